from typing import Optional

import torch
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import sfnet_flow_to_offset, warp
from ..expose import expose


@MODELS.register_module()
class GatedDualFlowFusion(BaseModule):
    r"""Warp *both* levels by their own flow and choose between them by a gate (SFNet-Lite's GD-FAM).

    .. math::
        h = up(W_c F_{coarse}), \quad l = W_f F_{fine}, \quad [f_c, f_f] = W_3 * [h, l]

        F = G \cdot warp(F_{coarse}, f_c) + (1 - G) \cdot warp(F_{fine}, f_f)

    with the gate, one channel, :math:`G = \sigma(W_g * [mean(h), mean(F_{fine}), max(h), max(F_{fine})])` over channels
    (``gate='spatial_atten'``, the released one) or :math:`G = \sigma(W_g * [h, l])` (``gate='spatial'``). Note that the
    released gate sees the coarse level *reduced and resized*, but the fine level unreduced.

    Alignment and gate share :math:`h`, so this part lines the levels up itself: use it with ``align=None``.

    Paper: `SFNet: Faster and Accurate Semantic Segmentation via Semantic Flow <https://arxiv.org/abs/2207.04415>`_.

    Checked against: lxtGH/SFSegNets, network/nn/operators.py ``AlignedModulev2PoolingAtten`` and ``AlignedModulev2``,
    commit ba475baf.

    Differs: nothing known. The flow unit is that of :func:`~segfusion.ops.warp.sfnet_flow_to_offset`.

    Args:
        channels (int): Channels of both levels.
        align_corners (bool): Corner convention of the resize and of both warps. The released SFNet-Lite uses True.
        gate (str): ``'spatial_atten'`` or ``'spatial'``. Defaults to ``'spatial_atten'``.
        mid_channels (int, optional): Channels seen by the flow predictor. Defaults to ``channels // 2``.
        kernel_size (int): Of the flow and gate predictors, odd. Defaults to 3.

    Raises:
        ValueError: If ``gate`` is unknown or the fine level is smaller than the coarse one.

    Shape:
        - coarse (N, C, h, w), fine (N, C, H, W) -> (N, C, H, W)
    """

    aligns = True

    def __init__(self,
                 channels: int,
                 *,
                 align_corners: bool,
                 gate: str = 'spatial_atten',
                 mid_channels: Optional[int] = None,
                 kernel_size: int = 3,
                 init_cfg=None):
        super().__init__(init_cfg)
        if gate not in ('spatial_atten', 'spatial'):
            raise ValueError(f"gate must be 'spatial_atten' or 'spatial', got {gate!r}")
        mid_channels = mid_channels or max(channels // 2, 1)
        self.align_corners, self.gate = align_corners, gate
        self.coarse_reduce = nn.Conv2d(channels, mid_channels, 1, bias=False)
        self.fine_reduce = nn.Conv2d(channels, mid_channels, 1, bias=False)
        self.flow_conv = nn.Conv2d(2 * mid_channels, 4, kernel_size, padding=kernel_size // 2, bias=False)
        self.gate_conv = nn.Conv2d(
            4 if gate == 'spatial_atten' else 2 * mid_channels,
            1,
            kernel_size,
            padding=kernel_size // 2,
            bias=False)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        size = fine.shape[2:]
        if coarse.shape[2] > size[0] or coarse.shape[3] > size[1]:
            raise ValueError('GatedDualFlowFusion expects the fine level to be at least as large as the coarse one, '
                             f'got coarse {tuple(coarse.shape)} and fine {tuple(fine.shape)}')
        h = resize(
            self.coarse_reduce(coarse),
            size=size,
            mode='bilinear',
            align_corners=self.align_corners,
            warning=False)
        both = torch.cat([h, self.fine_reduce(fine)], dim=1)
        offset = sfnet_flow_to_offset(self.flow_conv(both))
        coarse_offset, fine_offset = offset.chunk(2, dim=1)
        if self.gate == 'spatial_atten':
            both = torch.cat([
                h.mean(1, keepdim=True),
                fine.mean(1, keepdim=True),
                h.amax(1, keepdim=True),
                fine.amax(1, keepdim=True),
            ], dim=1)  # (N, 4, H, W)
        gate = self.gate_conv(both).sigmoid()
        expose(self, offset=offset, gate=gate)
        coarse = warp(coarse, coarse_offset, align_corners=self.align_corners, padding_mode='zeros')
        fine = warp(fine, fine_offset, align_corners=self.align_corners, padding_mode='zeros')
        # gate * coarse + (1 - gate) * fine, with one product less
        return torch.lerp(fine, coarse, gate.to(fine.dtype))
