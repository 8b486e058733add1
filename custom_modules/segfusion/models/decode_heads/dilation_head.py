"""The dilated front end's classifier, the context module on its scores, and bilinear upsampling by 8."""
from typing import Dict, Optional, Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import bilinear_kernel
from ..slots import build_part


@MODELS.register_module()
class DilationHead(BaseDecodeHead):
    r"""Dilation7, Dilation8, Dilation10 and the front end alone.

    .. math:: logits = up_8(context(W * fc_7))

    The classifier comes before the context module, which works on class scores. :math:`up_8` is a fixed bilinear
    transposed convolution of kernel 16 and stride 8, cropped to the image.

    Paper: `Multi-Scale Context Aggregation by Dilated Convolutions <https://arxiv.org/abs/1511.07122>`_.
    Checked against: fyu/dilation, models/dilation*_deploy.prototxt, 0f105742 (transcribed).
    Differs: the deployed CamVid, KITTI and VOC networks end before the upsampling; predict.py then interpolates their
    probabilities, cell i at pixel 8 i, where the transposed convolution (of training and of Dilation10) puts it at
    8 i + 3.5. The authors train front end and context in turns, or jointly for data sets
    of a few hundred images (CamVid), and cut large images into tiles; here both are one network on the whole image.

    Args:
        in_channels (Sequence[int]): Of the image and of the front end's map (at 1/8, not padded beyond the image).
        in_index (Sequence[int]): Backbone levels. Defaults to (0, 1).
        context (dict, optional): None for the front end alone. Defaults to ``DilatedContext``.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If the map at 1/8 does not cover the image.

    Shape:
        - image (N, 3, H, W), map (N, C, ceil(H / 8), ceil(W / 8)) -> logits (N, num_classes, H, W)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 *,
                 in_index: Sequence[int] = (0, 1),
                 context: Optional[Dict] = dict(type='DilatedContext'),
                 init_cfg=dict(type='Normal', std=0.001, override=dict(name='conv_seg')),
                 **kwargs):
        kwargs.setdefault('channels', in_channels[-1])
        kwargs.setdefault('dropout_ratio', 0)  # the front end drops out after fc6 and fc7 already
        super().__init__(
            list(in_channels), in_index=in_index, input_transform='multiple_select', init_cfg=init_cfg, **kwargs)
        classes = self.out_channels
        self.context = nn.Identity() if context is None else build_part(
            'context',
            context,
            self,
            dict(
                channels=classes, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg, align_corners=self.align_corners))
        self.upsample = nn.ConvTranspose2d(classes, classes, 16, 8, padding=4, groups=classes, bias=False)
        with torch.no_grad():
            self.upsample.weight.copy_(bilinear_kernel(16).expand_as(self.upsample.weight))
        self.upsample.weight.requires_grad = False

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        image, x = self._transform_inputs(inputs)
        logits = self.upsample(self.context(self.cls_seg(x)))
        height, width = image.shape[2:]
        if logits.shape[2] < height or logits.shape[3] < width:
            raise ValueError(f'the front end gave {x.shape[2]}x{x.shape[3]} cells of 8 pixels for an image of '
                             f'{height}x{width}; it needs VGGEncoder(reflect_padding=186)')
        return logits[..., :height, :width]
