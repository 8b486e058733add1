"""Encoders that stock mmseg lacks, or that keep what stock ones discard."""
from .caffe_resnet import CaffeResNet
from .deep_stem_resnet import DeepStemResNet
from .enet_encoder import ENetEncoder
from .fc_densenet import FCDenseNet
from .padded_unet import PaddedUNet
from .segnet_basic import SegNetBasicEncoder
from .shallow_stdc import ShallowSTDCNet
from .stem_resnet import StemResNet
from .timm_weights import load_from_timm
from .vgg_encoder import VGGEncoder
from .wide_resnet38 import WideResNet38

__all__ = [
    'CaffeResNet',
    'DeepStemResNet',
    'ENetEncoder',
    'FCDenseNet',
    'PaddedUNet',
    'SegNetBasicEncoder',
    'ShallowSTDCNet',
    'StemResNet',
    'VGGEncoder',
    'WideResNet38',
    'load_from_timm',
]
