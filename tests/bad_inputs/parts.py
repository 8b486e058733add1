"""Aligners, gates, contexts and functions called directly: sizes, dtypes, devices."""
import torch
from mmseg.registry import MODELS

from segfusion.models.align import DeformableAlign, DualOffsetAlign, FlowAlign, IndexUnpool
from segfusion.models.context import AlignedContext, ASPPContext, LargeKernelContext, PyramidPoolingContext
from segfusion.models.fusion import AFFusion, DuplexGateFusion, GatedDualFlowFusion, SumFusion
from segfusion.ops import warp

from . import case

SMALL, LARGE = torch.zeros(2, 4, 4, 6), torch.zeros(2, 4, 8, 12)
SHARED = dict(align_corners=False)


@case('Parts', 'fine and coarse level swapped (flow)')
def _(folder):
    FlowAlign(4, **SHARED)(LARGE, SMALL)


@case('Parts', 'fine and coarse level swapped (deformable)')
def _(folder):
    DeformableAlign(4, **SHARED)(LARGE, SMALL)


@case('Parts', 'fine and coarse level swapped (two offsets)')
def _(folder):
    DualOffsetAlign(4, **SHARED)(LARGE, SMALL)


@case('Parts', 'fine and coarse level swapped (gated flows)')
def _(folder):
    GatedDualFlowFusion(4, **SHARED)(LARGE, SMALL)


@case('Parts', 'sum of levels that are not on one grid')
def _(folder):
    SumFusion()(SMALL, LARGE)


@case('Parts', 'gate on levels that are not on one grid')
def _(folder):
    DuplexGateFusion(4)(SMALL, LARGE)


@case('Parts', 'batch of one and attentional fusion in training')
def _(folder):
    AFFusion(4, norm_cfg=dict(type='BN'))(LARGE[:1], LARGE[:1])


@case('Parts', 'even kernel for deformable alignment')
def _(folder):
    DeformableAlign(4, kernel_size=2, **SHARED)


@case('Parts', 'even kernel for the large-kernel context')
def _(folder):
    LargeKernelContext(4, kernel_size=8)


@case('Parts', 'unknown sampler')
def _(folder):
    DualOffsetAlign(4, sampler='bilinear', **SHARED)


@case('Parts', 'unknown gate')
def _(folder):
    MODELS.build(dict(type='DuplexGateFusion', channels=4, gate_channels=2))


@case('Parts', 'pyramid pooling of a map of another width')
def _(folder):
    PyramidPoolingContext(8, 4, **SHARED)(LARGE)


@case('Parts', 'ASPP on a map of another width')
def _(folder):
    ASPPContext(8, 4)(LARGE)


@case('Parts', 'aligned context on a map of another width')
def _(folder):
    AlignedContext(8, 4, **SHARED)(LARGE)


@case('Parts', 'unpooling with the pooling indices of another grid')
def _(folder):
    IndexUnpool()(SMALL, torch.zeros(2, 4, 10, 12, dtype=torch.uint8))


@case('Parts', 'offset field with one channel')
def _(folder):
    warp(LARGE, torch.zeros(2, 1, 8, 12), align_corners=False)


@case('Parts', 'one offset field for a batch of two')
def _(folder):
    warp(LARGE, torch.zeros(1, 2, 8, 12), align_corners=False)
