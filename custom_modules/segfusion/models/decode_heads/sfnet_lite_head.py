from typing import Optional, Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor

from ...ops import conv_module_of_resized
from ..slots import build_part
from .deep_supervision import offer_side_outputs
from .top_down_head import check_alignment, check_levels, reset_convolutions


@MODELS.register_module()
class SFNetLiteHead(BaseDecodeHead):
    r"""SFNet-Lite: one fusion, of the scene's context with the finest level, instead of a pyramid.

    .. math::
        F_4 = ppm(x_4), \quad G = fusion(F_4, l_1), \quad y = classify(merge([G, up(l_3)])), \quad l_i = lateral_i(x_i)

    The stride-8 level is not used.

    Paper: `SFNet: Faster and Accurate Semantic Segmentation via Semantic Flow <https://arxiv.org/abs/2207.04415>`_.

    Checked against: lxtGH/SFSegNets, network/sfnet_resnet.py ``UperNetAlignHeadV2``, commit ba475baf.

    Differs: released files also hold layers that no forward reaches (for ResNet a third lateral, and ``dsn``); we do
    not build them and the converter drops them by name. Released training has no deep supervision; ours offers the one
    side output :math:`G`. Layers keep torch's default initialisation, as released. In training the bottleneck
    convolves both maps apart, the coarse one before it is resized: equal up to rounding.

    Args:
        in_channels (Sequence[int]): Channels of the levels at strides 4, 16 and 32.
        channels (int): Channels inside. The released nets use 128.
        in_index (Sequence[int]): Backbone levels. Defaults to (0, 2, 3).
        context (dict): As in SFNet; or ``dict(type='SummedPyramidPoolingContext')``, the authors' ``sppm``.
        align (dict, optional): None with a fusion that aligns itself. Defaults to None.
        fusion (dict): Defaults to the gated dual flow.
        dropout_ratio, align_corners, init_cfg: As in :class:`SFNetHead`.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If ``align`` and ``fusion`` do not go together, or the features are not what ``in_channels`` says.

    Shape:
        - x_1, x_3, x_4 (N, in_channels[j], H_j, W_j) -> logits (N, num_classes, H_1, W_1)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int,
                 *,
                 in_index: Sequence[int] = (0, 2, 3),
                 context: dict = dict(
                     type='PyramidPoolingContext', kernel_size=1, pool_act=False, dropout_ratio=0.1),
                 align: Optional[dict] = None,
                 fusion: dict = dict(type='GatedDualFlowFusion'),
                 dropout_ratio: float = 0.,
                 align_corners: bool = True,
                 init_cfg=None,
                 **kwargs):
        super().__init__(
            in_channels,
            channels,
            in_index=in_index,
            input_transform='multiple_select',
            dropout_ratio=dropout_ratio,
            align_corners=align_corners,
            init_cfg=init_cfg,
            **kwargs)
        if len(self.in_channels) != 3:
            raise ValueError(f'SFNetLiteHead uses three levels (strides 4, 16, 32), got in_channels={in_channels}')
        shared = dict(channels=channels, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg, align_corners=align_corners)
        conv = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        fine, middle, coarse = self.in_channels
        self.context = build_part('context', context, self, dict(in_channels=coarse, **shared))
        self.fusion = build_part('fusion', fusion, self, shared)
        check_alignment(align, [self.fusion])
        self.align = None if align is None else build_part('align', align, self, shared)
        self.fine_lateral = ConvModule(fine, channels, 1, bias=True, inplace=False, **conv)
        self.middle_lateral = ConvModule(middle, channels, 1, bias=True, inplace=False, **conv)
        self.bottleneck = ConvModule(2 * channels, channels, 3, padding=1, **conv)
        self.split_bottleneck = False  # as in TopDownHead
        reset_convolutions(self)

    def init_weights(self):
        if self.init_cfg:
            super().init_weights()

    def merge(self, fused: Tensor, middle: Tensor) -> Tensor:
        """Both levels on the finest grid, (N, channels, H_1, W_1)."""
        size = fused.shape[2:]
        if self.split_bottleneck or self.training:  # or backward would keep the concatenation
            return conv_module_of_resized(
                self.bottleneck, (fused, middle), size=size, align_corners=self.align_corners)
        middle = resize(middle, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)
        return self.bottleneck(torch.cat([fused, middle], dim=1))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        levels = self._transform_inputs(inputs)
        check_levels(levels, self.in_channels, self)
        coarse, fine = self.context(levels[2]), self.fine_lateral(levels[0])
        if self.align is not None:
            coarse, fine = self.align(coarse, fine)
        fused = self.fusion(coarse, fine)
        logits = self.cls_seg(self.merge(fused, self.middle_lateral(levels[1])))
        if self.training:
            offer_side_outputs(inputs, [fused], logits)
        return logits
