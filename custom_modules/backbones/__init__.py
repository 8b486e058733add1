from .segnet_basic import SegNetBasicEncoder
from .vgg_encoder import VGGEncoder

__all__ = [
    'SegNetBasicEncoder',
    'VGGEncoder',
]
