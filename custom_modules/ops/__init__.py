"""Pure functions on tensors."""
from .bilinear import bilinear_kernel
from .expose import expose, watch
from .resized_conv import resized_conv2d
from .unpool import max_pool_switches, unpool
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'bilinear_kernel',
    'expose',
    'max_pool_switches',
    'resized_conv2d',
    'sfnet_flow_to_offset',
    'unpool',
    'warp',
    'watch',
]
