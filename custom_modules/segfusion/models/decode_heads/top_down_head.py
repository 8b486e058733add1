from typing import List, Optional, Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import conv_module_of_resized
from ..slots import build_part
from .deep_supervision import offer_side_outputs


@MODELS.register_module()
class TopDownHead(BaseDecodeHead):
    r"""A feature pyramid whose alignment, fusion and context are parts chosen by config.

    .. math::
        F_L = context(x_L), \quad F_i = fusion_i(align_i(F_{i+1}, lateral_i(x_i))), \quad
        P_i = out_i(F_i), \quad y = classify(merge([P_1, up(P_2), ..., up(P_{L-1}), up(F_L)]))

    Paper: `Unified Perceptual Parsing for Scene Understanding <https://arxiv.org/abs/1807.10221>`_; with other parts
    the top-down heads of SFNet and others.

    Checked against: open-mmlab/mmsegmentation, ``UPerHead``: equal bit for bit with the defaults below.

    Differs: nothing known.

    Side outputs for :class:`SideOutputHead`, fine to coarse: :math:`F_1, ..., F_{L-1}`.

    Args:
        in_channels (Sequence[int]): Channels of the backbone levels, fine to coarse.
        channels (int): Channels of every pyramid level.
        in_index (Sequence[int], optional): Backbone levels to use. Defaults to all of them, in order.
        context (dict, optional): Part ``context(x) -> x`` on the coarsest level. Defaults to pyramid pooling.
        align (dict, optional): Part ``align(coarse, fine) -> (coarse, fine)``, one instance a step. None if the fusion
            lines the levels up itself. Defaults to bilinear resizing.
        fusion (dict): Part ``fusion(coarse, fine) -> merged``, one instance a step. Defaults to the sum.
        lateral_bias (bool | str): Bias of the 1x1 lateral convolutions; ``'auto'`` means none before a norm.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If ``align`` and ``fusion`` do not go together, or the features are not what ``in_channels`` says.

    Shape:
        - x_i (N, in_channels[i], H_i, W_i), i = 1..L -> logits (N, num_classes, H_1, W_1)
    """

    split_in_training = False  # as split_bottleneck; UPerHead's numbers are the concatenation's, to the last bit

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int,
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 context: dict = dict(type='PyramidPoolingContext'),
                 align: Optional[dict] = dict(type='BilinearAlign'),
                 fusion: dict = dict(type='SumFusion'),
                 lateral_bias='auto',
                 **kwargs):
        in_index = list(range(len(in_channels))) if in_index is None else in_index
        super().__init__(in_channels, channels, in_index=in_index, input_transform='multiple_select', **kwargs)
        shared = dict(
            channels=channels, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg, align_corners=self.align_corners)
        conv = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        steps = range(len(self.in_channels) - 1)

        self.context = build_part('context', context, self, dict(in_channels=self.in_channels[-1], **shared))
        self.fusions = nn.ModuleList(build_part('fusion', fusion, self, shared) for _ in steps)
        check_alignment(align, self.fusions)
        self.aligns = None if align is None else nn.ModuleList(build_part('align', align, self, shared) for _ in steps)
        self.lateral_convs = nn.ModuleList(
            ConvModule(self.in_channels[i], channels, 1, bias=lateral_bias, inplace=False, **conv) for i in steps)
        self.fpn_convs = nn.ModuleList(
            ConvModule(channels, channels, 3, padding=1, inplace=False, **conv) for _ in steps)
        self.fpn_bottleneck = ConvModule(len(self.in_channels) * channels, channels, 3, padding=1, **conv)
        self.split_bottleneck = False  # set by segfusion.deploy: the same sum without the concatenation

    def fuse(self, levels: Sequence[Tensor]) -> List[Tensor]:
        """The top-down path: fused levels, fine to coarse, the context map last."""
        fused = [self.context(levels[-1])]
        for i in reversed(range(len(self.lateral_convs))):
            coarse, fine = fused[0], self.lateral_convs[i](levels[i])
            if self.aligns is not None:
                coarse, fine = self.aligns[i](coarse, fine)
            fused.insert(0, self.fusions[i](coarse, fine))
        return fused

    def merge(self, fused: Sequence[Tensor]) -> Tensor:
        """All fused levels on the finest grid, (N, channels, H_1, W_1)."""
        outs = [conv(f) for conv, f in zip(self.fpn_convs, fused)] + [fused[-1]]
        size = outs[0].shape[2:]
        if self.split_bottleneck or self.training and self.split_in_training:
            return conv_module_of_resized(self.fpn_bottleneck, outs, size=size, align_corners=self.align_corners)
        outs = [outs[0]] + [
            resize(p, size=size, mode='bilinear', align_corners=self.align_corners, warning=False) for p in outs[1:]
        ]
        return self.fpn_bottleneck(torch.cat(outs, dim=1))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        levels = self._transform_inputs(inputs)
        check_levels(levels, self.in_channels, self)
        fused = self.fuse(levels)
        logits = self.cls_seg(self.merge(fused))
        if self.training:
            offer_side_outputs(inputs, fused[:-1], logits)
        return logits


def check_alignment(align: Optional[dict], fusions: Sequence[nn.Module]) -> None:
    """Raise if levels would reach a fusion unaligned, or be aligned twice."""
    aligns = any(getattr(fusion, 'aligns', False) for fusion in fusions)
    if not len(fusions) or aligns == (align is None):
        return
    name = type(fusions[0]).__name__
    if aligns:
        raise ValueError(f'{name} lines the two levels up itself: expected align=None, got {align}')
    raise ValueError(f"{name} needs both levels on one grid, got align=None; choose an aligner, e.g. "
                     "align=dict(type='BilinearAlign')")


def check_levels(levels: Sequence[Tensor], in_channels: Sequence[int], head: nn.Module) -> None:
    """Raise if the backbone's levels are not the ones the head was built for."""
    got = [level.shape[1] for level in levels]
    if got != list(in_channels):
        raise ValueError(f'{type(head).__name__} was built with in_channels={list(in_channels)}, but the backbone '
                         f'gives levels with {got} channels; set decode_head.in_channels (and in_index) to those')
    sizes = [tuple(level.shape[2:]) for level in levels]
    if any(a < b for fine, coarse in zip(sizes, sizes[1:]) for a, b in zip(fine, coarse)):
        raise ValueError(f'{type(head).__name__} expects levels from fine to coarse, got sizes {sizes}')


def reset_convolutions(head: nn.Module) -> None:
    """Give the convolutions of every ``ConvModule`` torch's default initialisation back; mmcv gave them its own."""
    for module in head.modules():
        if isinstance(module, ConvModule):
            module.conv.reset_parameters()
