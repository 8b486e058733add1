"""FCN-32s, FCN-16s, FCN-8s and FCN-8s-at-once: score, upsample bilinearly, add, crop."""
from typing import Optional, Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import bilinear_kernel

# Where the image begins in the final upsampled map: what 100 pixels of padding at conv1_1 leave over, less what the
# unpadded 7x7 fc6 and the transposed convolutions take away; likewise for pool4 and pool3 below their sums.
IMAGE_OFFSET = {32: 19, 16: 27, 8: 31}
SKIP_OFFSET = {16: 5, 8: 9}


@MODELS.register_module()
class FCNSkipHead(BaseDecodeHead):
    r"""The original FCN head on VGG, with its skips (mmseg's ``FCNHead`` is another network).

    .. math::
        y_{32} &= W_{fr} * fc_7 \\
        y_{16} &= up_2(y_{32}) + crop_5(W_4 * (a_4 \, pool_4)) \\
        y_8 &= up_2(y_{16}) + crop_9(W_3 * (a_3 \, pool_3)) \\
        logits &= crop_{31}(up_8(y_8))

    with :math:`up_k` a transposed convolution of kernel 2k and stride k that interpolates bilinearly. FCN-32s stops
    after the first line (:math:`crop_{19}(up_{32})`), FCN-16s after the second (:math:`crop_{27}(up_{16})`).

    Paper: `Fully Convolutional Networks for Semantic Segmentation <https://arxiv.org/abs/1605.06211>`_.
    Checked against: wkentaro/pytorch-fcn, torchfcn/models/fcn8s.py, 4b988509, which equals the authors' prototxt.
    Differs: nothing known.

    Args:
        in_channels (Sequence[int]): Of the image, then of the pooled maps to score, fine to coarse, then of fc7:
            three numbers for 16s, four for 8s, two for 32s.
        in_index (Sequence[int], optional): Backbone levels. Defaults to all of them, in order.
        skip_scales (Sequence[float], optional): Factor a of each pooled map before it is scored, fine to coarse.
            The at-once variant uses (1e-4, 1e-2). Defaults to None, 1 throughout.
        fixed_upsampling (bool): Keep the bilinear kernels as they are, as the released nets do. If False they are
            where learning starts. Defaults to True.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If there are more than two pooled maps, or the maps do not cover the image: the encoder must pad
            ``conv1_1`` by 100 pixels.

    Shape:
        - image (N, 3, H, W), pool3, pool4, fc7 of the padded image -> logits (N, num_classes, H, W)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 skip_scales: Optional[Sequence[float]] = None,
                 fixed_upsampling: bool = True,
                 init_cfg=dict(type='Constant', val=0, layer='Conv2d'),
                 **kwargs):
        skips = len(in_channels) - 2
        if skips not in (0, 1, 2):
            raise ValueError(f'expected in_channels of the image, of at most two pooled maps and of fc7, got '
                             f'{list(in_channels)}')
        kwargs.setdefault('channels', in_channels[-1])
        kwargs.setdefault('dropout_ratio', 0)  # the encoder drops out after fc6 and fc7 already
        super().__init__(
            list(in_channels),
            in_index=in_index or list(range(len(in_channels))),
            input_transform='multiple_select',
            init_cfg=init_cfg,
            **kwargs)
        self.skip_scales = tuple(skip_scales or [1] * skips)
        self.stride = 32 // 2**skips
        self.scores = nn.ModuleList(nn.Conv2d(c, self.out_channels, 1) for c in in_channels[1:-1])
        self.upsample_skips = nn.ModuleList(self._upsampling(2, fixed_upsampling) for _ in self.scores)
        self.upsample_image = self._upsampling(self.stride, fixed_upsampling)

    def _upsampling(self, stride: int, fixed: bool) -> nn.Module:
        conv = nn.ConvTranspose2d(self.out_channels, self.out_channels, 2 * stride, stride, bias=False)
        with torch.no_grad():
            conv.weight.zero_()
            conv.weight[range(self.out_channels), range(self.out_channels)] = bilinear_kernel(2 * stride)
        conv.weight.requires_grad = not fixed
        return conv

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        image, *skips, fc7 = self._transform_inputs(inputs)
        y = self.cls_seg(fc7)
        stride = 32
        for i in reversed(range(len(skips))):
            stride //= 2
            y = self.upsample_skips[i](y)
            score = self.scores[i](self.skip_scales[i] * skips[i])
            y = y + crop(score, SKIP_OFFSET[stride], y.shape[2:])
        return crop(self.upsample_image(y), IMAGE_OFFSET[self.stride], image.shape[2:])


def crop(x: Tensor, offset: int, size: Sequence[int]) -> Tensor:
    """The window of ``size`` that begins ``offset`` pixels from the top and from the left."""
    height, width = size
    if x.shape[2] < offset + height or x.shape[3] < offset + width:
        raise ValueError(f'a map of {tuple(x.shape[2:])} has no {height}x{width} window at offset {offset}; FCN needs '
                         'VGGEncoder(first_padding=100) with the unpadded 7x7 fc6 as its backbone')
    return x[..., offset:offset + height, offset:offset + width]
