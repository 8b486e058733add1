"""Pure functions on tensors."""
from .conv_of_resized import conv_module_of_resized, conv_of_resized
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'conv_module_of_resized',
    'conv_of_resized',
    'sfnet_flow_to_offset',
    'warp',
]
