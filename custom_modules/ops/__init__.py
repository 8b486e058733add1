"""Pure functions on tensors."""
from .alignseg_offset import ALIGNSEG_SAMPLERS, alignseg_offset
from .conv_of_resized import conv_module_of_resized, conv_of_resized
from .expose import expose, watch
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'conv_module_of_resized',
    'conv_of_resized',
    'ALIGNSEG_SAMPLERS',
    'alignseg_offset',
    'expose',
    'sfnet_flow_to_offset',
    'warp',
    'watch',
]
