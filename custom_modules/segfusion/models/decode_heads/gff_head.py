from typing import List, Optional, Sequence, Tuple

import torch
from mmcv.cnn import ConvModule, build_activation_layer, build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import conv_module_of_resized
from ..align import BilinearAlign
from ..slots import build_part
from .deep_supervision import offer_side_outputs
from .top_down_head import check_levels

FORMS = dict(
    paper=dict(
        context=dict(type='PyramidPoolingContext', kernel_size=1, pool_act=False, dropout_ratio=0.1),
        fusion=dict(type='GatedFullFusion', gate_channels=1, update='parallel'),
        dropout_ratio=0.1),
    released=dict(
        context=dict(type='ASPPContext', channels=256, rates=(12, 24, 36), out_norm_act=False),
        fusion=dict(type='GatedFullFusion', gate_channels='channels', update='sequential'),
        dropout_ratio=0.))


@MODELS.register_module()
class GFFHead(BaseDecodeHead):
    r"""GFF: all levels exchange what their gates let through, and a dense pyramid carries the context down.

    .. math::
        \tilde X_l = (1 + G_l)\,X_l + (1 - G_l) \sum_{i \ne l} G_i X_i \qquad \text{(GatedFullFusion)}

        y_0 = context(x_L), \quad y_k = H_k\big([y_0, ..., y_{k-1}, \tilde X_{L+1-k}]\big), \quad
        y = classify\big(merge([y_0, ..., y_L])\big)

    One head, two forms:

    * ``form='paper'``, for any backbone (the paper: ResNet-50/101 at stride 8). Levels are reduced to ``channels``;
      the context, pyramid pooling, stands beside them; :math:`H_k` is a 3x3 convolution on level :math:`L+1-k`'s own
      grid. Logits are at the finest level's stride.
    * ``form='released'``, the network of the released weights (WideResNet-38: strides 2 and 8, and ASPP). The context
      *replaces* the coarsest level and is gated with the others; :math:`H_k` is norm-act-1x1-norm-act-3x3 with
      dilation :math:`3k`, on the finest grid; the ungated context joins before two 3x3 convolutions and a classifier
      without bias. With the defaults also gates and update are the released ones.

    Paper: `Gated Fully Fusion for Semantic Segmentation <https://arxiv.org/abs/1904.01803>`_.

    Checked against: lxtGH/DecoupleSegNets, network/gffnets.py, commit bedb8e53: the released form to float precision
    (tests/models/decode_heads/test_gff_head.py). No code of the paper's form was released.

    Differs: the paper does not say all of :math:`H_k` and ``merge``, and its figure shows all maps at one size; ours
    keeps every step on its own grid, as a feature pyramid does. Gates are computed from the levels before they are
    reduced, as released. A 3x3 convolution that reads resized maps mixes their channels before they are resized, see
    :func:`~segfusion.ops.conv_of_resized.conv_of_resized`: the same numbers with a quarter of the products. Own
    layers are initialised as the authors' (normal, Kaiming, no bias).

    Side outputs for :class:`SideOutputHead`, fine to coarse: the fused levels, of ``channels`` channels.

    Args:
        in_channels (Sequence[int]): Channels of the backbone levels, fine to coarse.
        channels (int): Channels of every level. The paper has 256, the released net 128. Defaults to 256.
        form (str): ``'paper'`` or ``'released'``. Defaults to ``'paper'``.
        in_index (Sequence[int], optional): Backbone levels to use. Defaults to all of them, in order.
        context (dict, optional): Part ``context(x) -> x`` on the coarsest level. Defaults to the form's.
        align (dict): Part ``align(coarse, fine) -> (coarse, fine)`` that brings what coarser levels send, summed, to
            each level; one instance a level but the last. Defaults to bilinear resizing.
        fusion (dict, optional): Part that fuses all levels. Defaults to the form's gates.
        merge_channels (int): Channels before the classifier. Defaults to 256.
        dropout_ratio (float, optional): Before the classifier. Defaults to the form's: 0.1 or 0.
        align_corners (bool): Defaults to True, as released.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If ``form`` is unknown, ``fusion`` fuses two levels only, or the features are not what
            ``in_channels`` says.

    Shape:
        - x_l (N, in_channels[l], H_l, W_l), l = 1..L -> logits (N, num_classes, H_1, W_1)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int = 256,
                 *,
                 form: str = 'paper',
                 in_index: Optional[Sequence[int]] = None,
                 context: Optional[dict] = None,
                 align: dict = dict(type='BilinearAlign'),
                 fusion: Optional[dict] = None,
                 merge_channels: int = 256,
                 dropout_ratio: Optional[float] = None,
                 align_corners: bool = True,
                 init_cfg=None,
                 **kwargs):
        if form not in FORMS:
            raise ValueError(f"form must be 'paper' or 'released', got {form!r}")
        own = FORMS[form]
        super().__init__(
            in_channels,
            channels,
            in_index=list(range(len(in_channels))) if in_index is None else in_index,
            input_transform='multiple_select',
            dropout_ratio=own['dropout_ratio'] if dropout_ratio is None else dropout_ratio,
            align_corners=align_corners,
            init_cfg=init_cfg,
            **kwargs)
        self.form = form
        context, fusion = own['context'] if context is None else context, own['fusion'] if fusion is None else fusion
        _check_fusion(fusion)
        shared = dict(channels=channels, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg, align_corners=align_corners)
        conv = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        count = len(self.in_channels)
        scene = context.get('channels', channels)
        widths = [*self.in_channels[:-1], scene] if form == 'released' else self.in_channels

        self.context = build_part('context', context, self, dict(in_channels=self.in_channels[-1], **shared))
        # Not in place: the gates still have to read the levels, and a backbone without a last norm would be changed.
        self.reduce_convs = nn.ModuleList(ConvModule(c, channels, 1, inplace=False, **conv) for c in widths)
        self.fusion = build_part('fusion', fusion, self, dict(num_levels=count, gate_in_channels=widths, **shared))
        aligns = [build_part('align', align, self, shared) for _ in range(count - 1)]
        # Plain resizing is linear and has no state: the fusion does it once for all levels that share a grid.
        self.aligns = None if all(isinstance(a, BilinearAlign) for a in aligns) else nn.ModuleList(aligns)
        if form == 'paper':
            self.dense_blocks = nn.ModuleList(
                ConvModule(scene + (k + 1) * channels, channels, 3, padding=1, **conv) for k in range(count))
            merged = [scene + count * channels, merge_channels]
        else:
            self.dense_blocks = nn.ModuleList(
                _DenseBlock((k + 1) * channels, channels, 3 * (k + 1), self.norm_cfg, self.act_cfg)
                for k in range(count))
            merged = [(count + 1) * channels, merge_channels, merge_channels]
        self.merge_convs = nn.ModuleList(
            ConvModule(before, after, 3, padding=1, **conv) for before, after in zip(merged, merged[1:]))
        self.conv_seg = nn.Conv2d(merge_channels, self.out_channels, 1, bias=form == 'paper')

    def init_weights(self) -> None:
        super().init_weights()
        if self.init_cfg:
            return
        for part in (self.reduce_convs, self.fusion, self.dense_blocks, self.merge_convs, self.conv_seg):
            for module in part.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight)
                    if module.bias is not None:
                        nn.init.zeros_(module.bias)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        levels = self._transform_inputs(inputs)
        check_levels(levels, self.in_channels, self)
        context = self.context(levels[-1])
        if self.form == 'released':
            levels = [*levels[:-1], context]
        reduced = [conv(level) for conv, level in zip(self.reduce_convs, levels)]
        fused = self.fusion(reduced, guides=levels, aligns=self.aligns)
        if self.form == 'released':
            merged = self._released_pyramid(fused, reduced[-1])
        else:
            merged = self._paper_pyramid(fused, context)
        logits = self.cls_seg(merged)
        if self.training:
            offer_side_outputs(inputs, fused, logits)
        return logits

    def _paper_pyramid(self, fused: Sequence[Tensor], context: Tensor) -> Tensor:
        maps = [context]
        for block, level in zip(self.dense_blocks, reversed(fused)):
            maps.append(self._convolve(block, [*maps, level], level.shape[2:]))
        return self._convolve(self.merge_convs[0], maps, fused[0].shape[2:])

    def _released_pyramid(self, fused: Sequence[Tensor], context: Tensor) -> Tensor:
        size = fused[0].shape[2:]
        *finer, coarsest = (self._resize(level, size) for level in fused)
        maps: List[Tensor] = [self.dense_blocks[0](coarsest)]
        for block, level in zip(self.dense_blocks[1:], reversed(finer)):
            maps.append(block(torch.cat([*maps, level], dim=1)))
        merged = torch.cat([maps[0], self._resize(context, size), *maps[1:]], dim=1)
        for conv in self.merge_convs:
            merged = conv(merged)
        return merged

    def _convolve(self, conv: ConvModule, maps: Sequence[Tensor], size: Tuple[int, int]) -> Tensor:
        return conv_module_of_resized(conv, maps, size=size, align_corners=self.align_corners)

    def _resize(self, x: Tensor, size: Tuple[int, int]) -> Tensor:
        if x.shape[2:] == size:
            return x
        return resize(x, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)


class _DenseBlock(nn.Sequential):
    """norm-act-1x1-norm-act-3x3, as in DenseASPP; the convolutions have biases and no norm after them."""

    def __init__(self, in_channels: int, channels: int, dilation: int, norm_cfg: Optional[dict], act_cfg: dict):
        super().__init__()
        shapes = ((in_channels, dict(kernel_size=1)), (channels, dict(kernel_size=3, padding=dilation,
                                                                      dilation=dilation)))
        for i, (before, conv) in enumerate(shapes, 1):
            if norm_cfg is not None:
                self.add_module(f'norm{i}', build_norm_layer(norm_cfg, before)[1])
            self.add_module(f'act{i}', build_activation_layer(act_cfg))
            self.add_module(f'conv{i}', nn.Conv2d(before, channels, **conv))


def _check_fusion(fusion: dict) -> None:
    if not isinstance(fusion, dict) or 'type' not in fusion:
        return  # build_part says what is wrong
    part = fusion['type'] if isinstance(fusion['type'], type) else MODELS.get(fusion['type'])
    if part is not None and not getattr(part, 'all_levels', False):
        raise ValueError(f'GFFHead fuses all levels at once: expected fusion=dict(type=\'GatedFullFusion\', ...), got '
                         f'{part.__name__}, which fuses two; use it in TopDownHead')
