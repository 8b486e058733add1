from .deep_supervision import SideOutputHead
from .fcn_skip_head import FCNSkipHead
from .segnet_head import SegNetHead

__all__ = [
    'FCNSkipHead',
    'SegNetHead',
    'SideOutputHead',
]
