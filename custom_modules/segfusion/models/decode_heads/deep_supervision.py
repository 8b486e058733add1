"""Side outputs: maps inside a main head that auxiliary heads supervise during training.

mmseg hands an auxiliary head the same backbone levels as the main head, and nothing the main head made of them.
Deep supervision needs the latter. So a main head *offers* its inner maps, and an auxiliary head that received the
same levels in the same step *takes* them: no second computation, no special segmentor, and ``forward`` of the main
head still returns one logit map. Nothing is kept in evaluation, and nothing outlives the step: what is kept goes when
backward starts, or with the graph where there is no backward.
"""
import threading
import weakref
from typing import Optional, Sequence, Tuple

import torch
from mmcv.cnn import ConvModule
from mmengine.model import ModuleList
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

_offered = threading.local()


class _Box:
    """Side outputs on their way from one head to another; None once released."""

    def __init__(self, outputs: Sequence[Tensor]):
        self.outputs: Optional[Tuple[Tensor, ...]] = tuple(outputs)
        self.taken = False

    def empty(self, *_) -> None:
        self.outputs = None

    def empty_if_taken(self) -> None:
        if self.taken:
            self.empty()


@torch.compiler.disable  # hooks and weak references are none of a graph's business
def offer_side_outputs(inputs: Sequence[Tensor], outputs: Sequence[Tensor], logits: Tensor) -> None:
    """Keep ``outputs``, computed from the backbone levels ``inputs``, for auxiliary heads of the same step.

    Call it from a main head's ``forward`` in training only. They are released when the gradient of ``logits`` arrives,
    in whatever thread that is (on CUDA it is not the caller's); without a backward pass, when the graph of ``logits``
    or, where there is none, the features are dropped.
    """
    box = _Box(outputs)
    _offered.entry = (weakref.ref(inputs[-1], box.empty), box)
    if logits.requires_grad:

        def release(grad):  # lives as long as the graph of logits, which owns it
            box.empty()

        logits.register_hook(release)
        weakref.finalize(release, box.empty_if_taken)


@torch.compiler.disable
def take_side_outputs(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """The maps that the main head offered for these backbone levels.

    Raises:
        RuntimeError: If no main head in training mode has just run on ``inputs``.
    """
    source, box = getattr(_offered, 'entry', (lambda: None, None))
    if source() is not inputs[-1] or box.outputs is None:
        raise RuntimeError(
            'no side outputs for these features: expected a decode_head that offers them (TopDownHead and its '
            'children, AlignSegHead, GFRNetHead, ...) to have run on the same features in training mode just before. '
            'Put the side output head in auxiliary_head= of a model with such a decode_head, or use FCNHead to '
            'supervise a backbone level')
    box.taken = True
    return box.outputs


@MODELS.register_module()
class SideOutputHead(BaseDecodeHead):
    r"""Classify one side output of the main head (deep supervision).

    .. math:: y = W_c * dropout(act(norm(W_3 * s_i + b_3))) + b_c

    with :math:`s_i` the ``in_index``-th side output of the main head, fine to coarse. Paper: `Deeply-Supervised Nets
    <https://arxiv.org/abs/1409.5185>`_; the layers are those of SFNet's and AlignSeg's ``dsn``.

    Args:
        in_channels (int): Channels of the side output.
        channels (int): Channels of the 3x3 convolution.
        in_index (int): Which side output. Defaults to 0, the finest.
        classify (bool): If False, the side output already is a logit map and is returned as it is; there are then no
            parameters and ``in_channels``, ``channels`` and ``num_classes`` must be equal. Defaults to True.
        **kwargs: Of :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`.

    Raises:
        ValueError: If a side output has other than ``in_channels`` channels, or ``in_index`` is out of range.

    Shape:
        - side output (N, in_channels, H, W) -> logits (N, num_classes, H, W)
    """

    def __init__(self, in_channels, channels, *, in_index: int = 0, classify: bool = True, **kwargs):
        if not classify:
            kwargs.setdefault('init_cfg', None)
        super().__init__(in_channels, channels, in_index=in_index, **kwargs)
        self.classify = classify
        if classify:
            # A bias before a norm does nothing, but the released checkpoints have it.
            self.conv = ConvModule(
                self.in_channels,
                self.channels,
                3,
                padding=1,
                bias=True,
                conv_cfg=self.conv_cfg,
                norm_cfg=self.norm_cfg,
                act_cfg=self.act_cfg)
        else:
            if not in_channels == channels == self.out_channels:
                raise ValueError(f'classify=False returns the side output as logits: expected in_channels = channels '
                                 f'= num_classes, got {in_channels}, {channels}, {self.out_channels}')
            self.conv_seg, self.dropout = nn.Identity(), None

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        outputs = take_side_outputs(inputs)
        if not -len(outputs) <= self.in_index < len(outputs):
            raise ValueError(f'in_index={self.in_index}, but the main head offers {len(outputs)} side outputs')
        x = outputs[self.in_index]
        if x.shape[1] != self.in_channels:
            raise ValueError(f'side output {self.in_index} has {x.shape[1]} channels, but the auxiliary head was built '
                             f'with in_channels={self.in_channels}; set it to the channels of the main head')
        return self.cls_seg(self.conv(x)) if self.classify else x


@MODELS.register_module()
class SideOutputHeads(ModuleList):
    """One :class:`SideOutputHead` for each of several side outputs, from one config dict.

    mmseg takes it as a list of auxiliary heads (losses ``aux_0.*``, ``aux_1.*``, ...). Being one dict, it lets a child
    config change ``num_classes`` of all of them in one place: ``auxiliary_head=dict(num_classes=11)``.

    Args:
        in_index (Sequence[int]): Which side outputs, fine to coarse.
        in_channels (int | Sequence[int]): Channels of the side outputs; one number if they are alike.
        **kwargs: Of :class:`SideOutputHead`, the same for all.

    Raises:
        ValueError: If ``in_channels`` and ``in_index`` differ in length.
    """

    def __init__(self, in_index: Sequence[int], in_channels, init_cfg=None, **kwargs):
        if isinstance(in_channels, int):
            in_channels = [in_channels] * len(in_index)
        if len(in_channels) != len(in_index):
            raise ValueError(f'SideOutputHeads needs one in_channels a side output: expected {len(in_index)}, '
                             f'got {list(in_channels)}')
        super().__init__(
            [SideOutputHead(in_channels=c, in_index=i, **kwargs) for i, c in zip(in_index, in_channels)], init_cfg)
