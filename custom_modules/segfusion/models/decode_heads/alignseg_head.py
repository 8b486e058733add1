from typing import Iterator, Optional, Sequence

from mmcv.cnn import ConvModule, build_activation_layer, build_norm_layer, fuse_conv_bn
from mmengine.model import BaseModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..slots import build_part
from .deep_supervision import offer_side_outputs
from .top_down_head import check_alignment, check_levels

LEAKY = dict(type='LeakyReLU', negative_slope=0.01)


class ResidualRefinement(BaseModule):
    r"""Bring a map to ``channels`` and refine it by a bottleneck (AlignSeg's residual refinement block, RRB).

    .. math:: u = W * x, \quad y = \phi(norm(u + V_2 * \phi(norm(V_1 * u))))

    with a 1x1 convolution :math:`W`, 3x3 convolutions :math:`V_1, V_2` and a quarter of the channels between them.

    Paper: `Learning a Discriminative Feature Network for Semantic Segmentation <https://arxiv.org/abs/1804.09337>`_.

    Checked against: speedinghzl/AlignSeg, networks/alignseg.py ``RRB``, commit ac7582d3.

    Differs: nothing known from the released code.

    Args:
        in_channels (int): Channels of the input.
        channels (int): Channels of the output.
        norm_cfg (dict, optional): Defaults to None.
        act_cfg (dict): Defaults to LeakyReLU with slope 0.01.

    Shape:
        - x (N, in_channels, H, W) -> (N, channels, H, W)
    """

    def __init__(self, in_channels: int, channels: int, *, norm_cfg=None, act_cfg=LEAKY, init_cfg=None):
        super().__init__(init_cfg)
        squeezed = max(channels // 4, 1)
        # Plain convolutions are wrapped, so that mmcv's fuse_conv_bn does not fold `norm`, that of the sum, into one.
        self.unify = ConvModule(in_channels, channels, 1, bias=False, act_cfg=None)
        self.squeeze = ConvModule(channels, squeezed, 3, padding=1, bias=False, norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.expand = ConvModule(squeezed, channels, 3, padding=1, bias=False, act_cfg=None)
        self.norm = nn.Identity() if norm_cfg is None else build_norm_layer(norm_cfg, channels)[1]
        self.scale = None  # of the norm, once it is folded
        # In place where ConvModule would be: a full-size map less to allocate.
        self.act = build_activation_layer(
            dict(act_cfg, inplace=True) if act_cfg['type'] in ('ReLU', 'LeakyReLU') else act_cfg)
        for module in (self.unify, self.squeeze, self.expand):
            module.conv.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        x = self.unify(x)
        residual = self.expand(self.squeeze(x))
        if self.scale is not None:
            return self.act(residual.addcmul_(x, self.scale))
        return self.act(self.norm(residual.add_(x)))

    def fold_norms(self) -> None:
        r"""Make one pass of the norm and the sum: :math:`norm(u + e) = s u + (s e + b)`; for inference only."""
        if isinstance(self.norm, _BatchNorm):
            self.scale = (self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()).view(1, -1, 1, 1).detach()
            pair = nn.Sequential(self.expand.conv, self.norm)
            self.expand.conv, self.norm = fuse_conv_bn(pair)[0], nn.Identity()


@MODELS.register_module()
class AlignSegHead(BaseDecodeHead):
    r"""AlignSeg: the finest level is enriched by ever coarser ones, and by the scene last, each aligned to it.

    .. math::
        D_1 = a_1(x_1), \quad D_i = b_i\big(fusion_i(align_i(a_i(x_i), D_{i-1}))\big), \quad i = 2..L+1, \quad
        x_{L+1} = context(x_L), \quad y = classify(D_{L+1})

    with residual refinement blocks :math:`a_i, b_i`. The order is shallow to deep, not top-down: everything is merged
    on the finest grid, and every coarse level is read once.

    Paper: `AlignSeg: Feature-Aligned Segmentation Networks <https://arxiv.org/abs/2003.00872>`_.

    Checked against: speedinghzl/AlignSeg, networks/alignseg.py, commit ac7582d3; logits, offsets and deep supervision
    to float precision with every sampler (tests/models/decode_heads/test_alignseg_head.py).

    Differs: the released code computes its deep supervision in evaluation too; here it is an auxiliary head
    (``dict(type='SideOutputHead', in_index=2)``), which evaluation does not run. The released decoder uses in-place
    activated batch norm, whose scale is :math:`|\gamma| + 10^{-5}`; here it is plain batch norm and the converter
    stores that scale. Layers keep torch's default initialisation, as released, and offsets begin at zero. The default
    sampler is the authors' corrected one, with which their checkpoints were *not* trained, see
    :class:`DualOffsetAlign`.

    Side outputs for :class:`SideOutputHead`, in the order of the path, all on the finest grid: :math:`D_1, ..., D_L`.

    Args:
        in_channels (Sequence[int]): Channels of the backbone levels, fine to coarse.
        channels (int): Channels of every merged map. Defaults to 256.
        in_index (Sequence[int], optional): Backbone levels. Defaults to all of them, in order.
        context (dict): Part ``context(x) -> x`` on the coarsest level. Defaults to AlignCM.
        align (dict, optional): Part ``align(coarse, fine) -> (coarse, fine)``, one instance a step; None if the fusion
            lines the levels up itself. Defaults to AlignFA.
        fusion (dict): Part ``fusion(coarse, fine) -> merged``, one instance a step. Defaults to the sum.
        act_cfg (dict): Defaults to LeakyReLU with slope 0.01.
        align_corners (bool): Defaults to True, as released.
        init_cfg (dict, optional): Defaults to None: torch's initialisation.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If ``align`` and ``fusion`` do not go together, or the features are not what ``in_channels`` says.

    Shape:
        - x_i (N, in_channels[i], H_i, W_i), i = 1..L -> logits (N, num_classes, H_1, W_1)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int = 256,
                 *,
                 in_index: Optional[Sequence[int]] = None,
                 context: dict = dict(type='AlignedContext'),
                 align: Optional[dict] = dict(type='DualOffsetAlign'),
                 fusion: dict = dict(type='SumFusion'),
                 act_cfg: dict = LEAKY,
                 align_corners: bool = True,
                 init_cfg=None,
                 **kwargs):
        in_index = list(range(len(in_channels))) if in_index is None else in_index
        super().__init__(
            in_channels,
            channels,
            in_index=in_index,
            input_transform='multiple_select',
            act_cfg=act_cfg,
            align_corners=align_corners,
            init_cfg=init_cfg,
            **kwargs)
        layers = dict(norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        shared = dict(channels=channels, align_corners=align_corners, **layers)
        steps = range(len(self.in_channels))

        self.context = build_part('context', context, self, dict(in_channels=self.in_channels[-1], **shared))
        self.fusions = nn.ModuleList(build_part('fusion', fusion, self, shared) for _ in steps)
        check_alignment(align, self.fusions)
        self.aligns = None if align is None else nn.ModuleList(build_part('align', align, self, shared) for _ in steps)
        self.laterals = nn.ModuleList(
            ResidualRefinement(i, channels, **layers) for i in (*self.in_channels, channels))
        self.refinements = nn.ModuleList(ResidualRefinement(channels, channels, **layers) for _ in steps)
        # A bias before a norm does nothing, but the released checkpoints have it.
        self.bottleneck = ConvModule(
            channels, channels, 3, padding=1, bias=True, conv_cfg=self.conv_cfg, **layers)
        self.bottleneck.conv.reset_parameters()

    def init_weights(self):
        if self.init_cfg:
            super().init_weights()

    def path(self, levels: Sequence[Tensor]) -> Iterator[Tensor]:
        """From shallow to deep: D_1, ..., D_{L+1}, all on the finest grid."""
        merged = self.laterals[0](levels[0])
        yield merged
        deeper = (*levels[1:], self.context(levels[-1]))
        for i, (lateral, level) in enumerate(zip(self.laterals[1:], deeper)):
            coarse, fine = lateral(level), merged
            if self.aligns is not None:
                coarse, fine = self.aligns[i](coarse, fine)
            merged = self.refinements[i](self.fusions[i](coarse, fine))
            yield merged

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        levels = self._transform_inputs(inputs)
        check_levels(levels, self.in_channels, self)
        sides = []
        for merged in self.path(levels):
            if self.training:  # evaluation keeps one full-size map at a time
                sides.append(merged)
        logits = self.cls_seg(self.bottleneck(merged))
        if self.training:
            offer_side_outputs(inputs, sides[:-1], logits)
        return logits
