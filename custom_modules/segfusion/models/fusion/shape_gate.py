"""Gated-SCNN's gated convolutional layer."""
from typing import Dict, Optional

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..expose import expose
from .grid import require_one_grid


@MODELS.register_module()
class ShapeGateFusion(BaseModule):
    r"""Let the coarse level, which knows what is there, say which responses of the fine one are of interest.

    .. math::
        F = W * \big(F_{fine}\,(1 + \alpha)\big), \quad
        \alpha = \sigma\big(BN(w_2 * ReLU(w_1 * BN([F_{fine}, F_{coarse}])))\big)

    with 1x1 convolutions. Nothing of the coarse level is added: it only amplifies, at most twice.

    Paper: `Gated-SCNN: Gated Shape CNNs for Semantic Segmentation <https://arxiv.org/abs/1907.05740>`_, Eqs. 1, 2.

    Checked against: nv-tlabs/GSCNN, edd16c5d, by its gates.

    Differs: from the paper's equations, like the release: norms around the gate's convolutions, and W mixes channels.
    There the coarse level is one channel, a class-like map (``coarse_channels=1``); here it may have any number.

    Exposes ``gate``: how much of the fine level is amplified.

    Args:
        channels (int): Channels of the fine level and of the result.
        coarse_channels (int, optional): Channels of the coarse level. Defaults to ``channels``.
        norm_cfg (dict, optional): Defaults to BN; None for none.

    Raises:
        ValueError: If the levels are not on one grid.

    Shape:
        - coarse (N, coarse_channels, H, W), fine (N, C, H, W) -> (N, C, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 coarse_channels: Optional[int] = None,
                 norm_cfg: Optional[Dict] = dict(type='BN'),
                 init_cfg: Optional[Dict] = None):
        super().__init__(init_cfg)
        both = channels + (channels if coarse_channels is None else coarse_channels)

        def norm(width: int) -> nn.Module:
            return nn.Identity() if norm_cfg is None else build_norm_layer(norm_cfg, width)[1]

        self.norm1, self.conv1 = norm(both), nn.Conv2d(both, both, 1)
        self.conv2, self.norm2 = nn.Conv2d(both, 1, 1), norm(1)
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.xavier_normal_(self.conv.weight)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        require_one_grid(self, coarse, fine)
        x = F.relu(self.conv1(self.norm1(torch.cat([fine, coarse], dim=1))))
        gate = self.norm2(self.conv2(x)).sigmoid()  # (N, 1, H, W)
        expose(self, gate=gate)
        return self.conv(fine * (1 + gate))
