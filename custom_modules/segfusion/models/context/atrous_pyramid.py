from typing import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class ASPPContext(BaseModule):
    r"""Look at each position through holes of several widths, and at the whole scene (atrous spatial pyramid pooling).

    .. math::
        y = \phi\big([up(\psi_p(pool_1(x))),\ \psi_0(x),\ \psi_1(x), ..., \psi_R(x)]\big)

    with 1x1 convolutions :math:`\psi_p, \psi_0`, 3x3 convolutions :math:`\psi_r` of dilation ``rates[r]`` and a
    :math:`k \times k` convolution :math:`\phi`. The pooled branch comes first, in DeepLabV3's mmseg form and in GFF's.

    Paper: `Rethinking Atrous Convolution for Semantic Image Segmentation <https://arxiv.org/abs/1706.05587>`_.

    Checked against: open-mmlab/mmsegmentation, ``ASPPHead`` (defaults), and lxtGH/DecoupleSegNets,
    network/nn/operators.py ``_AtrousSpatialPyramidPoolingModule``, commit bedb8e53 (``rates=(12, 24, 36),
    out_norm_act=False``, followed there by ``bot_aspp``).

    Differs: nothing known. Rates are in pixels of the map: 6, 12, 18 at stride 16 are 12, 24, 36 at stride 8.

    Args:
        in_channels (int): Channels of the input.
        channels (int): Channels of every branch and of the output.
        rates (Sequence[int]): Dilations of the 3x3 branches. Defaults to (6, 12, 18).
        kernel_size (int): Of :math:`\phi`, odd. Defaults to 3.
        out_norm_act (bool): Whether :math:`\phi` has norm and activation; if not, it has no bias either.
            Defaults to True.
        norm_cfg (dict, optional): Defaults to None.
        act_cfg (dict, optional): Defaults to ReLU.

    Raises:
        ValueError: If the input has other than ``in_channels`` channels.

    Shape:
        - x (N, in_channels, h, w) -> (N, channels, h, w)
    """

    def __init__(self,
                 in_channels: int,
                 channels: int,
                 *,
                 rates: Sequence[int] = (6, 12, 18),
                 kernel_size: int = 3,
                 out_norm_act: bool = True,
                 norm_cfg=None,
                 act_cfg=dict(type='ReLU'),
                 init_cfg=None):
        super().__init__(init_cfg)
        self.in_channels = in_channels
        conv = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.image_pool = ConvModule(in_channels, channels, 1, **conv)
        self.branches = nn.ModuleList([
            ConvModule(in_channels, channels, 1, **conv),
            *(ConvModule(in_channels, channels, 3, padding=rate, dilation=rate, **conv) for rate in rates)
        ])
        self.bottleneck = ConvModule(
            (len(rates) + 2) * channels,
            channels,
            kernel_size,
            padding=kernel_size // 2,
            **(conv if out_norm_act else dict(bias=False, norm_cfg=None, act_cfg=None)))

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.in_channels:
            raise ValueError(f'ASPPContext was built with in_channels={self.in_channels}, got a map with {x.shape[1]} '
                             'channels; set in_channels of the head to what the backbone gives')
        scene = self.image_pool(F.adaptive_avg_pool2d(x, 1)).expand(-1, -1, *x.shape[2:])
        return self.bottleneck(torch.cat([scene, *(branch(x) for branch in self.branches)], dim=1))
