"""The Global Convolutional Network ("Large Kernel Matters"); mmseg's ``GCHead`` is the unrelated GCNet."""
from typing import Dict, Optional, Sequence

import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..slots import build_part


@MODELS.register_module()
class LargeKernelHead(BaseDecodeHead):
    r"""Score every level with large kernels, refine the boundaries, add from coarse to fine.

    .. math::
        s_i &= B(context_i(x_i)) && \text{class maps} \\
        y_i &= B(resize(y_{i+1}) + s_i), \quad logits = B(resize_{1}(B(resize_{1/2}(y_1))))

    with the boundary refinement :math:`B(x) = x + W' * ReLU(W * x)`, a new one each time.

    Paper: `Large Kernel Matters -- Improve Semantic Segmentation by Global Convolutional Network
    <https://arxiv.org/abs/1703.02719>`_, Fig. 2(a).
    Checked against: ZijunDeng/pytorch-semantic-segmentation, models/gcn.py, 4a1721f9, on ResNet-50 with k = 7.
    Differs: from the paper, like the port: bilinear upsampling where the paper learns transposed convolutions.

    Args:
        in_channels (Sequence[int]): Of the image, the pooled stem and the levels, fine to coarse (``StemResNet``);
            image and stem give their sizes only.
        in_index (Sequence[int], optional): Backbone levels. Defaults to all of them, in order.
        context (dict): Scores a level. Defaults to ``LargeKernelContext`` with k = 7.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`. ``align_corners`` defaults to True
            as in the port.

    Shape:
        - image (N, 3, H, W), stem, maps at 1/4, 1/8, 1/16, 1/32 -> logits (N, num_classes, H, W)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 context: Dict = dict(type='LargeKernelContext', kernel_size=7),
                 align_corners: bool = True,
                 init_cfg=dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
                 **kwargs):
        kwargs.setdefault('channels', kwargs['num_classes'])
        kwargs.setdefault('dropout_ratio', 0)
        super().__init__(
            list(in_channels),
            in_index=in_index or list(range(len(in_channels))),
            input_transform='multiple_select',
            align_corners=align_corners,
            init_cfg=init_cfg,
            **kwargs)
        self.conv_seg = nn.Identity()  # the maps are class scores from the first convolution on
        classes, levels = self.out_channels, in_channels[2:]
        self.context = nn.ModuleList(
            build_part(
                'context',
                context,
                self,
                dict(
                    in_channels=c,
                    channels=classes,
                    norm_cfg=self.norm_cfg,
                    act_cfg=self.act_cfg,
                    align_corners=align_corners)) for c in levels)
        self.refine_levels = nn.ModuleList(BoundaryRefinement(classes) for _ in levels)
        self.refine_sums = nn.ModuleList(BoundaryRefinement(classes) for _ in levels[1:])
        self.refine_half, self.refine_full = BoundaryRefinement(classes), BoundaryRefinement(classes)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        image, _, *levels = self._transform_inputs(inputs)
        scores = [refine(context(x)) for refine, context, x in zip(self.refine_levels, self.context, levels)]
        y = scores[-1]
        for score, refine in zip(scores[-2::-1], self.refine_sums[::-1]):
            y = refine(self._resize(y, score.shape[2:]) + score)
        height, width = image.shape[2:]
        y = self.refine_half(self._resize(y, ((height + 1) // 2, (width + 1) // 2)))
        return self.cls_seg(self.refine_full(self._resize(y, (height, width))))

    def _resize(self, x: Tensor, size: Sequence[int]) -> Tensor:
        return resize(x, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)


class BoundaryRefinement(nn.Module):
    """Residual block on class maps, without norms."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))
