"""What does the whole scene say?  ``context(x) -> x`` on the same grid."""
from .aligned import AlignedContext
from .atrous_pyramid import ASPPContext
from .chained_pooling import ChainedPoolingContext
from .dilated import DilatedContext
from .large_kernel import LargeKernelContext
from .pyramid_pooling import PyramidPoolingContext
from .summed_pyramid_pooling import SummedPyramidPoolingContext

__all__ = [
    'ASPPContext',
    'AlignedContext',
    'ChainedPoolingContext',
    'DilatedContext',
    'LargeKernelContext',
    'PyramidPoolingContext',
    'SummedPyramidPoolingContext',
]
