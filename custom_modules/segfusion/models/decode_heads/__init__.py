"""One paper a file; a head is wiring between the parts of align, fusion and context."""
from .alignseg_head import AlignSegHead
from .deep_supervision import SideOutputHead, SideOutputHeads
from .deeplab_v2_head import DeepLabV2Head
from .dilation_head import DilationHead
from .enet_head import ENetHead
from .fcn_skip_head import FCNSkipHead
from .gff_head import GFFHead
from .gfrnet_head import GFRNetHead
from .gscnn_head import EdgeHead, GSCNNHead
from .large_kernel_head import LargeKernelHead
from .linknet_head import LinkNetHead
from .refinenet_head import RefineNetHead
from .segformer_mlp_head import SegformerMLPHead
from .segnet_head import SegNetHead
from .setr_mla_head import ReleasedSETRMLAHead
from .sfnet_head import SFNetHead
from .sfnet_lite_head import SFNetLiteHead
from .struct_token_head import CrossSliceStructTokenHead, PointwiseStructTokenHead, SelfSliceStructTokenHead
from .top_down_head import TopDownHead
from .transunet_head import TransUNetHead

__all__ = [
    'AlignSegHead',
    'CrossSliceStructTokenHead',
    'DeepLabV2Head',
    'DilationHead',
    'ENetHead',
    'EdgeHead',
    'FCNSkipHead',
    'GFFHead',
    'GFRNetHead',
    'GSCNNHead',
    'LargeKernelHead',
    'LinkNetHead',
    'PointwiseStructTokenHead',
    'RefineNetHead',
    'ReleasedSETRMLAHead',
    'SFNetHead',
    'SFNetLiteHead',
    'SegNetHead',
    'SelfSliceStructTokenHead',
    'SegformerMLPHead',
    'SideOutputHead',
    'SideOutputHeads',
    'TopDownHead',
    'TransUNetHead',
]
