"""SegNet's decoder: unpool with the encoder's indices, then convolve the sparse map dense."""
from typing import Dict, Optional, Sequence

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..slots import build_part


@MODELS.register_module()
class SegNetHead(BaseDecodeHead):
    r"""Decoder of SegNet, SegNet-Basic and Bayesian SegNet.

    .. math:: y_{i-1} = convs_i(unpool(y_i, s_i)), \quad i = n, ..., 1

    with :math:`s_i` the pooling indices of encoder stage i and :math:`y_n` the encoder's last map. No feature map is
    skipped across, only indices are. Each stage is the encoder's stage run backwards.

    Paper: `SegNet: A Deep Convolutional Encoder-Decoder Architecture <https://arxiv.org/abs/1511.00561>`_, Sec. 3.
    Checked against: alexgkendall/SegNet-Tutorial, Models/segnet_basic_inference.prototxt, bb68b64e.
    Differs: nothing known. Sizes: the released prototxts write 23x30 and 45x60 by hand for 360x480 inputs; here every
    unpooling returns to the size before its pooling, so any size works.

    Args:
        stages (Sequence[Sequence[int]]): Output channels of the convolutions after each unpooling, fine to coarse.
            The classifier comes after the finest.
        kernel_size (int): Of these convolutions. Defaults to 3.
        classifier_kernel (int): Of the last convolution, to the classes. Defaults to 3; SegNet-Basic uses 1.
        unpool_dropout (Sequence[float], optional): Element-wise dropout before each unpooling, fine to coarse;
            Bayesian SegNet uses .5 in the middle. Defaults to None, no dropout.
        align (dict): How a map gets onto the grid of the pooling indices. Defaults to ``IndexUnpool``.
        in_channels (Sequence[int]): Channels of the pooling indices, fine to coarse, and of the last map.
        in_index (Sequence[int], optional): Backbone levels. Defaults to all of them, in order.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`; ``act_cfg=None`` for SegNet-Basic.

    Raises:
        ValueError: If ``stages`` and ``in_channels`` do not fit together.

    Shape:
        - pooling indices s_1 (N, C_1, H, W) bool ... s_n, last map (N, C_n, h, w) -> logits (N, num_classes, H, W)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 stages: Sequence[Sequence[int]],
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 kernel_size: int = 3,
                 classifier_kernel: int = 3,
                 unpool_dropout: Optional[Sequence[float]] = None,
                 align: Dict = dict(type='IndexUnpool'),
                 **kwargs):
        if len(in_channels) != len(stages) + 1:
            raise ValueError(f'expected in_channels for {len(stages)} pooling indices and the last map, got '
                             f'{len(in_channels)} numbers; list one for each output of the encoder')
        inputs = [*(stage[-1] for stage in stages[1:]), in_channels[-1]]
        for i, (width, index_width) in enumerate(zip(inputs, in_channels)):
            if width != index_width:
                raise ValueError(f'unpooling {i} gets {width} channels, but its indices have {index_width}: the last '
                                 f'number of stages[{i + 1}] must be in_channels[{i}]')
        kwargs.setdefault('channels', stages[0][-1])
        kwargs.setdefault('dropout_ratio', 0)
        kwargs.setdefault('norm_cfg', dict(type='BN'))
        super().__init__(
            list(in_channels),
            in_index=in_index or list(range(len(in_channels))),
            input_transform='multiple_select',
            **kwargs)
        self.align = build_part(
            'align',
            align,
            self,
            dict(
                channels=self.channels,
                norm_cfg=self.norm_cfg,
                act_cfg=self.act_cfg,
                align_corners=self.align_corners))
        self.dropouts = nn.ModuleList(
            nn.Dropout(p) if p else nn.Identity() for p in (unpool_dropout or [0] * len(stages)))
        self.stages = nn.ModuleList()
        for width, stage in zip(inputs, stages):
            convs = []
            for out_width in stage:
                convs.append(
                    ConvModule(
                        width,
                        out_width,
                        kernel_size,
                        padding=kernel_size // 2,
                        bias=True,
                        conv_cfg=self.conv_cfg,
                        norm_cfg=self.norm_cfg,
                        act_cfg=self.act_cfg))
                width = out_width
            self.stages.append(nn.Sequential(*convs))
        self.conv_seg = nn.Conv2d(
            self.channels, self.out_channels, classifier_kernel, padding=classifier_kernel // 2)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        *indices, x = self._transform_inputs(inputs)
        for index_map, dropout, convs in zip(indices[::-1], self.dropouts[::-1], self.stages[::-1]):
            x, _ = self.align(dropout(x), index_map)
            x = convs(x)
        return self.cls_seg(x)
