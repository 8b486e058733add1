"""Pure functions on tensors."""
from .conv_of_resized import conv_module_of_resized, conv_of_resized
from .expose import expose, watch
from .resized_conv import resized_conv2d
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'conv_module_of_resized',
    'conv_of_resized',
    'expose',
    'resized_conv2d',
    'sfnet_flow_to_offset',
    'warp',
    'watch',
]
