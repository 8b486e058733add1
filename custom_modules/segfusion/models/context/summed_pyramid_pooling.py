from typing import Sequence

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import adaptive_avg_pool
from .pyramid_pooling import check_batch


@MODELS.register_module()
class SummedPyramidPoolingContext(BaseModule):
    r"""Pyramid pooling whose branches are added instead of concatenated (SFNet-Lite's ``sppm``).

    .. math:: y = \phi\Big(\psi_0(x) + \sum_s up(\psi_s(pool_s(x)))\Big)

    All :math:`\psi` and :math:`\phi` are 1x1 convolutions with norm; only :math:`\phi` has an activation.

    Paper: `SFNet: Faster and Accurate Semantic Segmentation via Semantic Flow <https://arxiv.org/abs/2207.04415>`_.

    Checked against: lxtGH/SFSegNets, network/nn/operators.py ``SPSPModule``, commit ba475baf.

    Differs: nothing known.

    Args:
        in_channels (int): Channels of the input.
        channels (int): Channels of every branch and of the output.
        align_corners (bool): For resizing the pooled maps.
        pool_scales (Sequence[int]): Cells a side. Defaults to (1, 2, 4).
        dropout_ratio (float): Channel dropout on the output. Defaults to 0.1.
        norm_cfg (dict, optional): Defaults to None.
        act_cfg (dict, optional): Defaults to ReLU.

    Shape:
        - x (N, in_channels, h, w) -> (N, channels, h, w)
    """

    def __init__(self,
                 in_channels: int,
                 channels: int,
                 *,
                 align_corners: bool,
                 pool_scales: Sequence[int] = (1, 2, 4),
                 dropout_ratio: float = 0.1,
                 norm_cfg=None,
                 act_cfg=dict(type='ReLU'),
                 init_cfg=None):
        super().__init__(init_cfg)
        self.align_corners, self.pool_scales = align_corners, tuple(pool_scales)
        self.pools = nn.ModuleList(
            ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=None) for _ in pool_scales)
        self.reduce = ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=None)
        self.bottleneck = ConvModule(channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.dropout = nn.Dropout2d(dropout_ratio) if dropout_ratio > 0 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        check_batch(self, x)
        total = self.reduce(x)
        for scale, conv in zip(self.pool_scales, self.pools):
            pooled = conv(adaptive_avg_pool(x, scale))  # (N, channels, scale, scale)
            total = total + resize(
                pooled, size=x.shape[2:], mode='bilinear', align_corners=self.align_corners, warning=False)
        return self.dropout(self.bottleneck(total))
