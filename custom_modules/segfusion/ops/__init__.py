"""Pure functions on tensors."""
from .adaptive_pool import adaptive_avg_pool
from .alignseg_offset import ALIGNSEG_SAMPLERS, alignseg_offset
from .bilinear import bilinear_kernel
from .canny import canny
from .conv_of_resized import conv_module_of_resized, conv_of_resized
from .crf import crf
from .deform import deform_conv_by_warps, prefers_warps
from .few_channels import FewChannelsConv2d
from .precision import full_precision
from .recorded import recorded_displacement
from .unpool import max_pool_with_indices, unpool
from .warp import sfnet_flow_to_offset, warp
from .winograd import WinogradConv2d, winograd_conv2d, winograd_weight

__all__ = [
    'ALIGNSEG_SAMPLERS',
    'FewChannelsConv2d',
    'WinogradConv2d',
    'adaptive_avg_pool',
    'alignseg_offset',
    'bilinear_kernel',
    'canny',
    'conv_module_of_resized',
    'conv_of_resized',
    'crf',
    'deform_conv_by_warps',
    'full_precision',
    'max_pool_with_indices',
    'prefers_warps',
    'recorded_displacement',
    'sfnet_flow_to_offset',
    'unpool',
    'warp',
    'winograd_conv2d',
    'winograd_weight',
]
