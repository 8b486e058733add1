"""TransUNet's cascaded upsampler: tokens up to the image, joined by the trunk's maps."""
from typing import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from .top_down_head import check_levels


@MODELS.register_module()
class TransUNetHead(BaseDecodeHead):
    r"""The cascaded upsampler (CUP): four times twice as large, each time beside the level of that size.

    .. math::
        y_0 = \phi(x_L), \quad y_k = \phi(\phi([up(y_{k-1}),\ x_{L-k}])), \quad logits = W * y_4

    :math:`\phi` is a 3x3 convolution, norm, activation. Only the ``num_skips`` coarsest levels before the tokens are
    joined; a finer one says how large the map has to become, and where there is none it becomes twice as large.

    Paper: `TransUNet: Transformers Make Strong Encoders for Medical Image Segmentation
    <https://arxiv.org/abs/2102.04306>`_.

    Checked against: Beckschen/TransUNet, networks/vit_seg_modeling.py ``DecoderCup``, 02ef0010.

    Differs: maps are resized to the size of the level that they join, not by 2: the same where 16 divides the image,
    the only ones the release takes.

    Args:
        in_channels (Sequence[int]): Channels of the levels, fine to coarse: 3, 64, 256, 512, 768 with the image as
            first level, 768 for tokens alone.
        channels (Sequence[int]): Channels of the four steps. Defaults to (256, 128, 64, 16).
        num_skips (int): Levels to join, from the coarse end. Defaults to 3.
        neck_channels (int): Channels of :math:`y_0`. Defaults to 512.
        in_index (Sequence[int], optional): Backbone levels to use. Defaults to all of them, in order.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`. ``align_corners`` defaults to True
            and ``dropout_ratio`` to 0, as in the release.

    Raises:
        ValueError: If there are fewer than ``num_skips`` levels before the tokens, or the features are not what
            ``in_channels`` says.

    Shape:
        - x_l (N, in_channels[l], H_l, W_l), l = 1..L -> logits (N, num_classes, H, W), H and W those of the image if
          it is a level, else 16 times those of x_L
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: Sequence[int] = (256, 128, 64, 16),
                 *,
                 num_skips: int = 3,
                 neck_channels: int = 512,
                 in_index=None,
                 align_corners: bool = True,
                 dropout_ratio: float = 0.,
                 init_cfg=None,
                 **kwargs):
        in_channels = list(in_channels)
        kwargs.setdefault('norm_cfg', dict(type='BN'))
        super().__init__(
            in_channels,
            channels[-1],
            in_index=list(range(len(in_channels))) if in_index is None else in_index,
            input_transform='multiple_select',
            align_corners=align_corners,
            dropout_ratio=dropout_ratio,
            init_cfg=init_cfg or [
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer='_BatchNorm')
            ],
            **kwargs)
        if not 0 <= num_skips <= min(len(in_channels) - 1, len(channels)):
            raise ValueError(f'num_skips={num_skips}, but there are {len(in_channels) - 1} levels before the tokens '
                             f'and {len(channels)} steps; lower it, or give the head more levels')
        conv = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.neck_conv = ConvModule(in_channels[-1], neck_channels, 3, padding=1, **conv)
        self.num_skips = num_skips
        self.steps = nn.ModuleList()
        before = neck_channels
        for k, after in enumerate(channels):
            joined = in_channels[-2 - k] if k < num_skips else 0
            self.steps.append(
                nn.Sequential(
                    ConvModule(before + joined, after, 3, padding=1, **conv),
                    ConvModule(after, after, 3, padding=1, **conv)))
            before = after
        self.conv_seg = nn.Conv2d(before, self.out_channels, 3, padding=1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        levels = self._transform_inputs(inputs)
        check_levels(levels, self.in_channels, self)
        *finer, tokens = levels
        x = self.neck_conv(tokens)
        for k, step in enumerate(self.steps):
            skip = finer[-1 - k] if k < len(finer) else None
            size = [2 * n for n in x.shape[2:]] if skip is None else skip.shape[2:]
            x = resize(x, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)
            x = step(torch.cat([x, skip], dim=1) if k < self.num_skips else x)
        return self.cls_seg(x)
