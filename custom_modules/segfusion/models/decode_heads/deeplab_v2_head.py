"""DeepLab v1 (LargeFOV) and v2 (ASPP): parallel atrous classifiers whose scores are summed."""
from typing import Optional, Sequence

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class DeepLabV2Head(BaseDecodeHead):
    r"""Sum of classifiers that see the same map at different rates.

    .. math:: logits = \sum_r classify_r(x)

    On VGG16 each branch is fc6 (3x3, rate r), fc7 and fc8 (1x1), with ReLU and dropout after the first two. On ResNet
    it is a single biased 3x3 convolution of rate r. One branch of rate 12 on VGG16 is DeepLab v1's LargeFOV.

    Paper: `DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully Connected
    CRFs <https://arxiv.org/abs/1606.00915>`_, Sec. 3.2; `LargeFOV <https://arxiv.org/abs/1412.7062>`_, Sec. 3.1.
    Checked against: kazuto1011/deeplab-pytorch, libs/models/deeplabv2.py, 4219467f (ResNet); the layers of the released
    VGG16 prototxt files, transcribed; the published parameter counts (20.5 M for LargeFOV).
    Differs: mmseg's ``ASPPHead`` is version 3: batch norm, image pooling, concatenation. Of version 2, the three-scale
    input with a pixel-wise maximum is left to test-time augmentation.

    Args:
        in_channels (int): Channels of the map.
        dilations (Sequence[int]): Rates: (2, 4, 8, 12) is ASPP-S, (6, 12, 18, 24) ASPP-L, (12, ) LargeFOV.
        mid_channels (int, optional): Channels of fc6 and fc7; None for branches of one convolution. Defaults to 1024.
        mid_dropout (float): Element-wise dropout after fc6 and fc7. Defaults to .5.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Shape:
        - x (N, in_channels, h, w) -> logits (N, num_classes, h, w)
    """

    def __init__(self,
                 in_channels: int,
                 *,
                 dilations: Sequence[int] = (6, 12, 18, 24),
                 mid_channels: Optional[int] = 1024,
                 mid_dropout: float = 0.5,
                 init_cfg=dict(type='Normal', std=0.01, layer='Conv2d'),
                 **kwargs):
        kwargs.setdefault('channels', in_channels)
        kwargs.setdefault('dropout_ratio', 0)
        super().__init__(in_channels, init_cfg=init_cfg, **kwargs)
        self.conv_seg = nn.Identity()  # every branch ends in class scores
        self.branches = nn.ModuleList()
        for rate in dilations:
            if mid_channels is None:
                branch = nn.Conv2d(in_channels, self.out_channels, 3, padding=rate, dilation=rate)
            else:
                branch = nn.Sequential(
                    ConvModule(in_channels, mid_channels, 3, padding=rate, dilation=rate, act_cfg=self.act_cfg),
                    nn.Dropout(mid_dropout),
                    ConvModule(mid_channels, mid_channels, 1, act_cfg=self.act_cfg),
                    nn.Dropout(mid_dropout),
                    nn.Conv2d(mid_channels, self.out_channels, 1))
            self.branches.append(branch)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        x = self._transform_inputs(inputs)
        return self.cls_seg(sum(branch(x) for branch in self.branches))
