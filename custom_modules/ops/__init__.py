"""Pure functions on tensors."""
from .alignseg_offset import ALIGNSEG_SAMPLERS, alignseg_offset
from .concat_conv import concat_conv1x1
from .conv_of_resized import conv_module_of_resized, conv_of_resized
from .expose import expose, watch
from .resized_conv import resized_conv2d
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'conv_module_of_resized',
    'conv_of_resized',
    'ALIGNSEG_SAMPLERS',
    'alignseg_offset',
    'concat_conv1x1',
    'expose',
    'resized_conv2d',
    'sfnet_flow_to_offset',
    'warp',
    'watch',
]
