"""Encoders that stock mmseg lacks, or that keep what stock ones discard."""
from .caffe_resnet import CaffeResNet
from .deep_stem_resnet import DeepStemResNet
from .enet_encoder import ENetEncoder
from .fc_densenet import FCDenseNet
from .hybrid_vit import HybridVisionTransformer
from .mix_vision_transformer import MiT
from .padded_unet import PaddedUNet
from .plain_vit import PlainViT
from .pyramid_vision_transformer import PyramidVisionTransformer
from .pyramid_vision_transformer_v2 import PyramidVisionTransformerV2
from .segnet_basic import SegNetBasicEncoder
from .shallow_stdc import ShallowSTDCNet
from .shunted_transformer import ShuntedTransformer
from .stem_resnet import StemResNet
from .timm_weights import load_from_timm
from .vgg_encoder import VGGEncoder
from .wide_resnet38 import WideResNet38
from .with_edges import WithEdges

__all__ = [
    'CaffeResNet',
    'DeepStemResNet',
    'ENetEncoder',
    'FCDenseNet',
    'HybridVisionTransformer',
    'MiT',
    'PaddedUNet',
    'PlainViT',
    'PyramidVisionTransformer',
    'PyramidVisionTransformerV2',
    'SegNetBasicEncoder',
    'ShallowSTDCNet',
    'ShuntedTransformer',
    'StemResNet',
    'VGGEncoder',
    'WideResNet38',
    'WithEdges',
    'load_from_timm',
]
