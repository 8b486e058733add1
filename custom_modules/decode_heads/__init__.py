from .deep_supervision import SideOutputHead
from .enet_head import ENetHead
from .fcn_skip_head import FCNSkipHead
from .linknet_head import LinkNetHead
from .refinenet_head import RefineNetHead
from .segnet_head import SegNetHead

__all__ = [
    'ENetHead',
    'FCNSkipHead',
    'LinkNetHead',
    'RefineNetHead',
    'SegNetHead',
    'SideOutputHead',
]
