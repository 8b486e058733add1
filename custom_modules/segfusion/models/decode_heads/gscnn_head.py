"""Gated-SCNN: a stream of shapes beside the trunk, whose edges join the pyramid of the scene."""
from typing import Dict, Optional, Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmseg.models.backbones.resnet import BasicBlock
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor, nn

from ..context import ASPPContext
from ..expose import expose
from ..slots import build_part
from .deep_supervision import offer_side_outputs, take_side_outputs
from .top_down_head import check_levels


def up(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear resizing with aligned corners, as everywhere in this network but behind the logits."""
    return resize(x, size=size, mode='bilinear', align_corners=True, warning=False)


class EdgePyramid(ASPPContext):
    """Atrous spatial pyramid pooling with a branch for the edges, second after that of the whole scene."""

    def __init__(self, in_channels: int, channels: int, rates: Sequence[int], **conv):
        super().__init__(in_channels, channels, rates=rates, kernel_size=1, out_norm_act=False, **conv)
        self.edge_conv = ConvModule(1, channels, 1, **conv)
        self.bottleneck = ConvModule((len(rates) + 3) * channels, channels, 1, bias=False, act_cfg=None)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        scene = self.image_pool(F.adaptive_avg_pool2d(x, 1)).expand(-1, -1, *x.shape[2:])
        edges = self.edge_conv(up(edges, x.shape[2:]))
        return self.bottleneck(torch.cat([scene, edges, *(branch(x) for branch in self.branches)], dim=1))


@MODELS.register_module()
class GSCNNHead(BaseDecodeHead):
    r"""Gated-SCNN: a thin stream at the size of the image learns edges; levels of the trunk gate it from the side.

    .. math::
        s_0 &= up(x_1), \quad s_k = fusion\big(up(w_k * x_{k+2}),\ d_k * B_k(s_{k-1})\big), \quad
        e = \sigma(w * s_K) \\
        c &= pyramid\big(x_L,\ \sigma(v * [e, canny])\big), \quad
        logits = W * \phi\big(\phi([u * x_2,\ up(c)])\big)

    with residual blocks :math:`B_k`, 1x1 convolutions :math:`w_k` to one channel, :math:`d_k, u`, and 3x3 convolutions
    :math:`\phi`. Logits are on the grid of the second level, 1/2 in the paper.

    Paper: `Gated-SCNN: Gated Shape CNNs for Semantic Segmentation <https://arxiv.org/abs/1907.05740>`_.

    Checked against: nv-tlabs/GSCNN, edd16c5d, by its outputs.

    Differs: nothing known. All maps are resized with aligned corners but the logits, whose ``align_corners`` is False.

    In training it offers the edge map (N, 1, H, W), a probability, and the logits as side outputs, for
    :class:`EdgeHead`. Exposes ``edge.response``, the edge map.

    Args:
        in_channels (Sequence[int]): Channels of the first level of the shape stream, the level that joins the scene,
            the levels that gate the stream, fine to coarse (the last is also the scene's), and the edge map, 1: with
            ``WithEdges`` around ``WideResNet38(out_indices=(0, 1, 2, 3, 6))`` 64, 128, 256, 512, 4096, 1.
        channels (int): Channels of every branch of the pyramid and before the classifier. Defaults to 256.
        stream_channels (Sequence[int]): Channels of the shape stream at each gate. Defaults to (32, 16, 8).
        fine_channels (int): Channels that the second level is reduced to. Defaults to 48.
        rates (Sequence[int]): Dilations of the pyramid. Defaults to (12, 24, 36), for stride 8.
        fusion (dict): Part ``fusion(coarse, fine) -> merged``, the gates; coarse has one channel. Defaults to
            ``ShapeGateFusion``.
        in_index (Sequence[int], optional): Backbone levels to use. Defaults to all of them, in order.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If there is not one entry in ``stream_channels`` for each level that gates, or the features are
            not what ``in_channels`` says.

    Shape:
        - levels (N, in_channels[l], H_l, W_l), edges (N, 1, H, W) -> logits (N, num_classes, H_2, W_2)
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 channels: int = 256,
                 *,
                 stream_channels: Sequence[int] = (32, 16, 8),
                 fine_channels: int = 48,
                 rates: Sequence[int] = (12, 24, 36),
                 fusion: Dict = dict(type='ShapeGateFusion', coarse_channels=1),
                 in_index: Optional[Sequence[int]] = None,
                 dropout_ratio: float = 0.,
                 init_cfg=None,
                 **kwargs):
        kwargs.setdefault('norm_cfg', dict(type='BN'))
        super().__init__(
            list(in_channels),
            channels,
            in_index=list(range(len(in_channels))) if in_index is None else in_index,
            input_transform='multiple_select',
            dropout_ratio=dropout_ratio,
            init_cfg=init_cfg or [
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', val=1, layer='_BatchNorm')
            ],
            **kwargs)
        start, fine, *textures, edges = in_channels
        if len(textures) != len(stream_channels) or edges != 1:
            raise ValueError(f'expected in_channels of a first level, a fine level, {len(stream_channels)} levels that '
                             f'gate the shape stream (one for each of stream_channels) and an edge map of 1 channel, '
                             f"got {list(in_channels)}; the edge map comes from the backbone type='WithEdges'")
        shared = dict(norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        widths = [start, *stream_channels]
        self.texture_convs = nn.ModuleList(nn.Conv2d(c, 1, 1) for c in textures)
        self.stream_blocks = nn.ModuleList(BasicBlock(c, c, norm_cfg=self.norm_cfg) for c in widths[:-1])
        self.stream_convs = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, widths[1:]))
        self.gates = nn.ModuleList(
            build_part('fusion', fusion, self, dict(channels=c, align_corners=True, **shared)) for c in stream_channels)
        self.edge_conv = nn.Conv2d(widths[-1], 1, 1, bias=False)
        self.attention_conv = nn.Conv2d(2, 1, 1, bias=False)
        self.pyramid = EdgePyramid(textures[-1], channels, rates, **shared)
        self.fine_conv = nn.Conv2d(fine, fine_channels, 1, bias=False)
        self.merge_convs = nn.ModuleList(
            ConvModule(c, channels, 3, padding=1, **shared) for c in (fine_channels + channels, channels))
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 1, bias=False)

    def shape_stream(self, start: Tensor, textures: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """Edge probabilities (N, 1, H, W)."""
        x = up(start, size)
        steps = zip(self.stream_blocks, self.stream_convs, self.texture_convs, self.gates, textures)
        for block, conv, texture_conv, gate, texture in steps:
            x = gate(up(texture_conv(texture), size), conv(block(x)))
        return self.edge_conv(x).sigmoid()

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        *levels, canny = self._transform_inputs(inputs)
        check_levels(levels, self.in_channels[:-1], self)
        start, fine, *textures = levels
        edge = self.shape_stream(start, textures, canny.shape[2:])
        expose(self, **{'edge.response': edge})
        attention = self.attention_conv(torch.cat([edge, canny], dim=1)).sigmoid()
        scene = self.pyramid(textures[-1], attention)
        merged = torch.cat([self.fine_conv(fine), up(scene, fine.shape[2:])], dim=1)
        for conv in self.merge_convs:
            merged = conv(merged)
        logits = self.cls_seg(merged)
        if not self.training:
            return logits
        # What is offered must not hold what releases it: the head's output is another tensor than the offered one.
        output = logits.view_as(logits)
        offer_side_outputs(inputs, (edge, logits), output)
        return output


@MODELS.register_module()
class EdgeHead(BaseDecodeHead):
    r"""Gated-SCNN's losses besides the segmentation loss; an auxiliary head without parameters.

    .. math:: L = L_{edge}(e, t) + L_{attention}\big(logits,\ y\ where\ e > \theta\big) + L_{dual}(logits, y)

    :math:`e` and the logits are the side outputs of :class:`GSCNNHead`, :math:`t` the ``gt_edge_map`` that the
    transform ``BoundaryLabels`` makes.

    Paper: `Gated-SCNN: Gated Shape CNNs for Semantic Segmentation <https://arxiv.org/abs/1907.05740>`_, Sec. 3.3.

    Checked against: nv-tlabs/GSCNN, edd16c5d, by values and gradients of its losses.

    Differs: see the losses.

    Args:
        num_classes (int): Number of classes.
        loss_edge (dict): Of the edge map. Defaults to ``BalancedEdgeLoss``.
        loss_attention (dict): Of the logits near predicted edges. Defaults to ``ImageWeightedCrossEntropyLoss``.
        loss_dual (dict): Of the logits and labels. Defaults to ``DualTaskLoss``.
        threshold (float): :math:`\theta`. Defaults to 0.8.
        ignore_index (int): Label of pixels without a class. Defaults to 255.
        align_corners (bool): How the logits get to the size of the labels. Defaults to False.

    Raises:
        ValueError: If the samples have no ``gt_edge_map``.

    Shape:
        - edge (N, 1, H, W), logits (N, num_classes, h, w), label and edge label (N, 1, H, W) -> losses
    """

    def __init__(self,
                 *,
                 num_classes: int,
                 loss_edge: Dict = dict(type='BalancedEdgeLoss'),
                 loss_attention: Dict = dict(type='ImageWeightedCrossEntropyLoss', loss_name='loss_attention'),
                 loss_dual: Dict = dict(type='DualTaskLoss'),
                 threshold: float = 0.8,
                 ignore_index: int = 255,
                 align_corners: bool = False,
                 init_cfg=None):
        super().__init__(
            1,
            num_classes,
            num_classes=num_classes,
            dropout_ratio=0,
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=init_cfg)
        self.loss_edge, self.loss_attention = MODELS.build(loss_edge), MODELS.build(loss_attention)
        self.loss_dual, self.threshold = MODELS.build(loss_dual), threshold
        self.conv_seg = nn.Identity()

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """The edge map."""
        return take_side_outputs(inputs)[0]

    def loss(self, inputs: Sequence[Tensor], batch_data_samples: SampleList, train_cfg=None) -> Dict[str, Tensor]:
        edge, logits = take_side_outputs(inputs)
        if any('gt_edge_map' not in sample for sample in batch_data_samples):
            raise ValueError("EdgeHead needs gt_edge_map in every sample: put dict(type='BoundaryLabels', "
                             f'num_classes={self.num_classes}) before PackSegInputs in the training pipeline')
        label = self._stack_batch_gt(batch_data_samples).squeeze(1)
        truth = torch.stack([sample.gt_edge_map.data for sample in batch_data_samples])
        logits = resize(
            logits, size=label.shape[1:], mode='bilinear', align_corners=self.align_corners, warning=False)
        near = label.masked_fill(edge.detach().squeeze(1) <= self.threshold, self.ignore_index)
        return {
            self.loss_edge.loss_name: self.loss_edge(edge, truth),
            self.loss_attention.loss_name: self.loss_attention(logits, near, ignore_index=self.ignore_index),
            self.loss_dual.loss_name: self.loss_dual(logits, label, ignore_index=self.ignore_index),
        }
