from typing import Optional, Tuple

import torch
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import FewChannelsConv2d, sfnet_flow_to_offset, warp
from ..expose import expose
from .grid import require_larger_fine


@MODELS.register_module()
class FlowAlign(BaseModule):
    r"""Warp the coarse map by a flow predicted from both levels (SFNet's flow alignment module).

    .. math::
        f = W_3 * [up(W_c F_{coarse}), W_f F_{fine}], \quad
        \hat F_{coarse}(p) = F_{coarse}\big(s(p + \Delta(p))\big)

    with 1x1 convolutions :math:`W_c, W_f` that halve the channels, a 3x3 convolution :math:`W_3` to two channels, and
    :math:`s` the map from fine to coarse pixels. The released code adds :math:`f / (W, H)` to a grid that spans
    [-1, 1], so one unit of flow is :math:`\Delta = f \cdot ((W-1)/2W, (H-1)/2H)`, about half a fine pixel.

    Paper: `Semantic Flow for Fast and Accurate Scene Parsing <https://arxiv.org/abs/2002.10120>`_, Sec. 3.2.

    Checked against: lxtGH/SFSegNets, network/nn/operators.py ``AlignedModule``, commit ba475baf.

    Differs: nothing known from the released code with ``align_corners=True``. The paper halves the flow "because of the
    x2 gap"; in the code the only trace is that the flow is divided by the size and not by half of it. Positions outside
    the coarse map read zeros, as released.

    Convention: offsets are (dx, dy) in pixels of the fine grid; zero offset equals ``resize``.

    Args:
        channels (int): Channels of both levels.
        align_corners (bool): Corner convention of the resize and of the warp. The released SFNet uses True.
        mid_channels (int, optional): Channels seen by the flow predictor. Defaults to ``channels // 2``.
        kernel_size (int): Of the flow predictor, odd. Defaults to 3.

    Raises:
        ValueError: If the fine level is smaller than the coarse one.

    Shape:
        - coarse (N, C, h, w), fine (N, C, H, W) -> coarse (N, C, H, W), fine (N, C, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 align_corners: bool,
                 mid_channels: Optional[int] = None,
                 kernel_size: int = 3,
                 init_cfg=None):
        super().__init__(init_cfg)
        mid_channels = mid_channels or max(channels // 2, 1)
        self.align_corners = align_corners
        self.coarse_reduce = nn.Conv2d(channels, mid_channels, 1, bias=False)
        self.fine_reduce = nn.Conv2d(channels, mid_channels, 1, bias=False)
        self.flow_conv = FewChannelsConv2d(
            2 * mid_channels, 2, kernel_size, padding=kernel_size // 2, bias=False)

    def flow(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """The offset in fine pixels, (N, 2, H, W)."""
        height, width = fine.shape[2:]
        require_larger_fine(self, coarse, fine)
        guide = resize(
            self.coarse_reduce(coarse),
            size=(height, width),
            mode='bilinear',
            align_corners=self.align_corners,
            warning=False)
        flow = self.flow_conv(torch.cat([guide, self.fine_reduce(fine)], dim=1))
        return sfnet_flow_to_offset(flow)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tuple[Tensor, Tensor]:
        offset = self.flow(coarse, fine)
        expose(self, offset=offset)
        return warp(coarse, offset, align_corners=self.align_corners, padding_mode='zeros'), fine
