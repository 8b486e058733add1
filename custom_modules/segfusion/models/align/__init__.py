"""HOW do two levels line up in space?  ``align(coarse, fine) -> (coarse, fine)``, both on fine's grid."""
from .bilinear import BilinearAlign
from .deformable import DeformableAlign
from .dual_offset import DualOffsetAlign
from .flow import FlowAlign
from .index_unpool import IndexUnpool
from .recorded import RecordedAlign

__all__ = [
    'BilinearAlign',
    'DeformableAlign',
    'DualOffsetAlign',
    'FlowAlign',
    'IndexUnpool',
    'RecordedAlign',
]
