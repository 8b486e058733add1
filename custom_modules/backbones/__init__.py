from .enet_encoder import ENetEncoder
from .segnet_basic import SegNetBasicEncoder
from .stem_resnet import StemResNet
from .vgg_encoder import VGGEncoder

__all__ = [
    'ENetEncoder',
    'SegNetBasicEncoder',
    'StemResNet',
    'VGGEncoder',
]
