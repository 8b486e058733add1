"""RefineNet: each level refines what the coarser ones made."""
from typing import Dict, Optional, Sequence

import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..slots import build_part


@MODELS.register_module()
class RefineNetHead(BaseDecodeHead):
    r"""Four cascaded refinement blocks over the levels of a ResNet.

    .. math::
        a_i &= RCU^2(W_i * x_i) && \text{adapt} \\
        m_i &= V_i * a_i + align(U_{i+1} * y_{i+1}) && \text{fuse; the coarsest has only } a_i \\
        y_i &= RCU^3(context(m_i)) && \text{chained residual pooling, output}

    with the residual convolution unit :math:`RCU(x) = x + W' * ReLU(W * ReLU(x))`. There is no norm in the decoder.

    Paper: `RefineNet: Multi-Path Refinement Networks for High-Resolution Semantic Segmentation
    <https://arxiv.org/abs/1611.06612>`_, Fig. 3.
    Checked against: DrSleep/refinenet-pytorch, models/resnet.py, 8f25c076, which carries the released weights.
    Differs: from the paper's figure, like the release: three output units rather than one, four poolings rather than
    two, dropout before the two coarsest levels and the classifier. The logits are at 1/4.

    Args:
        in_channels (Sequence[int]): Of the levels, fine to coarse.
        in_index (Sequence[int], optional): Backbone levels. Defaults to all of them, in order.
        channels (int): Channels of the decoder. Defaults to 256.
        coarse_channels (int): Channels of its coarsest block. Defaults to 512.
        adapt_units (int): Residual units on each level. Defaults to 2.
        output_units (int): Residual units at the end of each block. Defaults to 3.
        level_dropout (float): Element-wise dropout on the two coarsest levels. Defaults to .5.
        align (dict): How the coarse map gets onto the finer grid. Defaults to ``BilinearAlign``.
        context (dict): Answers what the scene says, after each fusion. Defaults to ``ChainedPoolingContext``.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`. ``align_corners`` defaults to True
            as in the release.

    Shape:
        - maps at 1/4, 1/8, 1/16, 1/32 -> logits (N, num_classes, H / 4, W / 4)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int = 256,
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 coarse_channels: int = 512,
                 adapt_units: int = 2,
                 output_units: int = 3,
                 level_dropout: float = 0.5,
                 align: Dict = dict(type='BilinearAlign'),
                 context: Dict = dict(type='ChainedPoolingContext'),
                 align_corners: bool = True,
                 init_cfg=dict(type='Normal', layer='Conv2d', std=0.01),
                 **kwargs):
        kwargs.setdefault('dropout_ratio', 0.5)
        levels = len(in_channels)
        super().__init__(
            list(in_channels),
            channels,
            in_index=in_index or list(range(levels)),
            input_transform='multiple_select',
            align_corners=align_corners,
            init_cfg=init_cfg,
            **kwargs)
        widths = [channels] * (levels - 1) + [coarse_channels]
        self.level_dropout = level_dropout
        self.reduce = nn.ModuleList(conv3x3(c, w) for c, w in zip(in_channels, widths))
        self.adapt = nn.ModuleList(units(w, adapt_units) for w in widths)
        self.fuse_fine = nn.ModuleList(conv3x3(channels, channels) for _ in widths[:-1])
        self.fuse_coarse = nn.ModuleList(conv3x3(w, channels) for w in widths[1:])
        common = dict(norm_cfg=self.norm_cfg, act_cfg=self.act_cfg, align_corners=align_corners)
        self.align = nn.ModuleList(
            build_part('align', align, self, dict(channels=channels, **common)) for _ in widths[1:])
        self.context = nn.ModuleList(build_part('context', context, self, dict(channels=w, **common)) for w in widths)
        self.output = nn.ModuleList(units(w, output_units) for w in widths)
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 3, padding=1)
        if self.dropout_ratio > 0:
            self.dropout = nn.Dropout(self.dropout_ratio)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        levels = list(self._transform_inputs(inputs))
        levels[-2:] = [F.dropout(x, self.level_dropout, self.training) for x in levels[-2:]]
        adapted = [adapt(reduce(x)) for adapt, reduce, x in zip(self.adapt, self.reduce, levels)]
        y = self.output[-1](self.context[-1](adapted[-1]))
        for i in reversed(range(len(levels) - 1)):
            coarse, fine = self.align[i](self.fuse_coarse[i](y), self.fuse_fine[i](adapted[i]))
            y = self.output[i](self.context[i](fine + coarse))
        return self.cls_seg(y)


def conv3x3(in_channels: int, channels: int, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(in_channels, channels, 3, padding=1, bias=bias)


def units(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualConvUnit(channels) for _ in range(count)))


class ResidualConvUnit(nn.Module):
    """Pre-activated residual unit without norms; only the first convolution has a bias."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = conv3x3(channels, channels, bias=True)
        self.conv2 = conv3x3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))
