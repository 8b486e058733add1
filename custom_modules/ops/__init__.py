"""Pure functions on tensors."""
from .alignseg_offset import ALIGNSEG_SAMPLERS, alignseg_offset
from .bilinear import bilinear_kernel
from .concat_conv import concat_conv1x1
from .conv_of_resized import conv_module_of_resized, conv_of_resized
from .expose import expose, watch
from .resized_conv import resized_conv2d
from .unpool import max_pool_switches, unpool
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'ALIGNSEG_SAMPLERS',
    'alignseg_offset',
    'bilinear_kernel',
    'concat_conv1x1',
    'conv_module_of_resized',
    'conv_of_resized',
    'expose',
    'max_pool_switches',
    'resized_conv2d',
    'sfnet_flow_to_offset',
    'unpool',
    'warp',
    'watch',
]
