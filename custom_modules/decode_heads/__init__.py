"""One paper a file; a head is wiring between the parts of align, fusion and context."""
from .deep_supervision import SideOutputHead, SideOutputHeads
from .sfnet_head import SFNetHead
from .sfnet_lite_head import SFNetLiteHead
from .top_down_head import TopDownHead

__all__ = [
    'SFNetHead',
    'SFNetLiteHead',
    'SideOutputHead',
    'SideOutputHeads',
    'TopDownHead',
]
