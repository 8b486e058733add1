"""One paper a file; a head is wiring between the parts of align, fusion and context."""
from .alignseg_head import AlignSegHead
from .deep_supervision import SideOutputHead, SideOutputHeads
from .gff_head import GFFHead
from .sfnet_head import SFNetHead
from .sfnet_lite_head import SFNetLiteHead
from .top_down_head import TopDownHead

__all__ = [
    'GFFHead',
    'AlignSegHead',
    'SFNetHead',
    'SFNetLiteHead',
    'SideOutputHead',
    'SideOutputHeads',
    'TopDownHead',
]
