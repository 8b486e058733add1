"""G-FRNet: a coarse prediction refined stage by stage through gates."""
from typing import Dict, List, Optional, Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..slots import build_part
from .deep_supervision import offer_side_outputs


@MODELS.register_module()
class GFRNetHead(BaseDecodeHead):
    r"""Gated feedback refinement: gates between neighbouring encoder maps feed a chain of predictions.

    .. math::
        p_1 &= W_1 * x_{top}, \quad l_0 = W_0 * x_{pool} \\
        l_i &= BN(V_i * x_i), \quad m_i = fusion(align(l_{i-1}), l_i) \\
        p_{i+1} &= U_i * [m_i, align(p_i)]

    from the coarsest encoder map to the finest. All maps have as many channels as there are classes. In training the
    earlier predictions are offered as side outputs, so that ``SideOutputHeads(classify=False)`` puts the same loss on
    every one of them, as the paper does.

    Paper: `Gated Feedback Refinement Network for Dense Image Labeling <https://arxiv.org/abs/1806.11266>`_.
    Checked against: mrochan/gfrnet, models/camvid/test_camvid_gate.prototxt, e7fa63e8.
    Differs: nothing known from the release. Its fifth stage concatenates in the other order, which the converter
    undoes; a gate reads the *previous stage's encoder map*, not the previous gate.

    Args:
        in_channels (Sequence[int]): Of the encoder maps before each pooling, fine to coarse, of the last pooled map,
            and of the map the first prediction is made from.
        in_index (Sequence[int], optional): Backbone levels. Defaults to all of them, in order.
        align (dict): How a coarse map gets onto the finer grid. Defaults to ``BilinearAlign``.
        fusion (dict): The gate. Defaults to ``GateUnitFusion``.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`. ``align_corners`` defaults to True
            as in the release.

    Shape:
        - encoder maps (N, C_i, H_i, W_i), pooled map, top map -> logits (N, num_classes, H_1, W_1)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 align: Dict = dict(type='BilinearAlign'),
                 fusion: Dict = dict(type='GateUnitFusion'),
                 align_corners: bool = True,
                 init_cfg=dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
                 **kwargs):
        kwargs.setdefault('channels', kwargs['num_classes'])
        kwargs.setdefault('dropout_ratio', 0)
        kwargs.setdefault('norm_cfg', dict(type='BN'))
        super().__init__(
            list(in_channels),
            in_index=in_index or list(range(len(in_channels))),
            input_transform='multiple_select',
            align_corners=align_corners,
            init_cfg=init_cfg,
            **kwargs)
        classes, (*encoder, pooled, top) = self.out_channels, in_channels
        shared = dict(channels=classes, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg, align_corners=align_corners)
        self.pooled_conv = nn.Conv2d(pooled, classes, 3, padding=1)
        self.first_pred = nn.Conv2d(top, classes, 3, padding=1)
        self.lateral_convs = nn.ModuleList(
            ConvModule(c, classes, 3, padding=1, bias=True, norm_cfg=self.norm_cfg, act_cfg=None) for c in encoder)
        self.aligns = nn.ModuleList(build_part('align', align, self, shared) for _ in encoder)
        self.gates = nn.ModuleList(build_part('fusion', fusion, self, shared) for _ in encoder)
        self.preds = nn.ModuleList(nn.Conv2d(2 * classes, classes, 3, padding=1) for _ in encoder)
        self.conv_seg = nn.Identity()  # every map is a class map already

    def refine(self, inputs: Sequence[Tensor]) -> List[Tensor]:
        """All predictions, the final one first, the first one last."""
        *encoder, pooled, top = self._transform_inputs(inputs)
        coarse, preds = self.pooled_conv(pooled), [self.first_pred(top)]
        for i in reversed(range(len(encoder))):
            fine = self.lateral_convs[i](encoder[i])
            gate = self.gates[i](*self.aligns[i](coarse, fine))
            pred, _ = self.aligns[i](preds[0], fine)
            preds.insert(0, self.preds[i](torch.cat([gate, pred], dim=1)))
            coarse = fine
        return preds

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        final, *earlier = self.refine(inputs)
        logits = self.cls_seg(final)
        if self.training:
            offer_side_outputs(inputs, earlier, logits)
        return logits
