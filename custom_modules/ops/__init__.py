"""Pure functions on tensors."""
from .expose import expose, watch
from .resized_conv import resized_conv2d
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'expose',
    'resized_conv2d',
    'sfnet_flow_to_offset',
    'warp',
    'watch',
]
