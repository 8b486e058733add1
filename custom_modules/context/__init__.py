"""What does the whole scene say?  ``context(x) -> x`` on the same grid."""
from .aligned import AlignedContext
from .atrous_pyramid import ASPPContext
from .pyramid_pooling import PyramidPoolingContext
from .summed_pyramid_pooling import SummedPyramidPoolingContext

__all__ = [
    'ASPPContext',
    'AlignedContext',
    'PyramidPoolingContext',
    'SummedPyramidPoolingContext',
]
