"""RefineNet's chained residual pooling."""
from typing import Dict, Optional

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class ChainedPoolingContext(BaseModule):
    r"""Add what ever larger neighbourhoods say, each pooled from the one before.

    .. math:: p_0 = ReLU(x), \quad p_k = W_k * maxpool(p_{k-1}), \quad y = \sum_k p_k

    Paper: `RefineNet: Multi-Path Refinement Networks for High-Resolution Semantic Segmentation
    <https://arxiv.org/abs/1611.06612>`_, Sec. 3.2, Fig. 3(d).
    Checked against: DrSleep/refinenet-pytorch, utils/layer_factory.py, 8f25c076.
    Differs: the paper draws two poolings, the released models and this default have four.

    Args:
        channels (int): Channels of the result.
        in_channels (int, optional): Channels of the map, if a 1x1 convolution shall bring them to ``channels`` first.
            Defaults to None, the same.
        num_pools (int): Length of the chain. Defaults to 4.
        kernel_size (int): Of the pooling, stride 1. Defaults to 5.

    Shape:
        - x (N, in_channels, H, W) -> (N, channels, H, W)
    """

    def __init__(self,
                 channels: int,
                 *,
                 in_channels: Optional[int] = None,
                 num_pools: int = 4,
                 kernel_size: int = 5,
                 init_cfg: Optional[Dict] = dict(type='Normal', layer='Conv2d', std=0.01)):
        super().__init__(init_cfg)
        self.kernel_size = kernel_size
        same = in_channels in (None, channels)
        self.project = nn.Identity() if same else nn.Conv2d(in_channels, channels, 1, bias=False)
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(num_pools))

    def forward(self, x: Tensor) -> Tensor:
        pooled = total = F.relu(self.project(x))
        for conv in self.convs:
            pooled = conv(F.max_pool2d(pooled, self.kernel_size, 1, self.kernel_size // 2))
            total = total + pooled
        return total
