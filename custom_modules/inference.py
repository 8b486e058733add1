"""One switch for faster inference: what algebra gives for free once a network is no longer trained."""
from typing import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, fuse_conv_bn
from mmseg.models.utils import resize
from torch import Tensor, nn

from .ops import resized_conv2d


def prepare_for_inference(model: nn.Module, *, channels_last: bool = True, verify: bool = True) -> nn.Module:
    r"""Make a segmentor faster without changing what it computes.

    .. math:: W' = W \gamma / \sqrt{\sigma^2 + \epsilon}, \quad b' = \beta + (b - \mu) \gamma / \sqrt{\sigma^2 + \epsilon}

    * Norms are folded in the backbone and in every ``ConvModule``, where the norm is known to follow the convolution.
      Others, such as the norm after the sum in AlignSeg's refinement blocks, stay.
    * A pyramid's bottleneck is applied level by level instead of to their concatenation, and to levels four or more
      times smaller before they are resized (:class:`SplitBottleneck`).

    The result can no longer be trained.

    Args:
        model: Segmentor; changed in place.
        channels_last: Also convert weights to channels-last memory, which convolutions on CPU and tensor cores prefer.
        verify: Compare the logits before and after on a random image.

    Returns:
        The same model, in evaluation mode.

    Raises:
        RuntimeError: If the logits changed by more than float32 rounding: then a norm of this network does not follow
            its convolution, and the model must not be used.
    """
    model = model.eval()
    image = torch.randn(1, 3, 96, 128, device=next(model.parameters()).device)
    before = _logits(model, image) if verify else None
    fuse_conv_bn(model.backbone)
    for module in model.modules():
        if isinstance(module, ConvModule):
            fuse_conv_bn(module)
    for module in model.modules():
        if getattr(module, 'split_bottleneck', module) is None:
            module.split_bottleneck = SplitBottleneck(module.fpn_bottleneck, module.channels, module.align_corners)
    model.requires_grad_(False)
    if channels_last:
        model.to(memory_format=torch.channels_last)
    if verify:
        error = (_logits(model, image) - before).abs().max() / before.std().clamp(min=1e-12)
        if not error <= 1e-3:
            raise RuntimeError(f'folding changed the logits by {error:.1e} of their deviation: some norm of this network '
                               'does not follow its convolution; use the model without prepare_for_inference')
    return model


class SplitBottleneck(nn.Module):
    r"""A convolution of concatenated, resized levels as the sum of one convolution a level.

    .. math:: W * [P_1, up(P_2), ...] = W_1 * P_1 + W_2 * up(P_2) + ...

    Levels at most a quarter as large an axis go through :func:`~custom_modules.ops.resized_conv.resized_conv2d`, which
    mixes channels before it resizes.

    Args:
        bottleneck: ``ConvModule`` with its norm folded.
        channels: Of every level.
        align_corners: Of the resizing.
    """

    def __init__(self, bottleneck: ConvModule, channels: int, align_corners: bool):
        super().__init__()
        self.align_corners = align_corners
        self.bias = bottleneck.conv.bias
        self.weights = nn.ParameterList(nn.Parameter(w.clone()) for w in bottleneck.conv.weight.split(channels, dim=1))
        self.activate = bottleneck.activate if bottleneck.with_activation else nn.Identity()

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        size = levels[0].shape[2:]
        total = F.conv2d(levels[0], self.weights[0], self.bias, padding=1)
        for level, weight in zip(levels[1:], self.weights[1:]):
            if 4 * level.shape[2] <= size[0] and 4 * level.shape[3] <= size[1]:
                total += resized_conv2d(level, weight, size, align_corners=self.align_corners)
            else:
                level = resize(
                    level, size=size, mode='bilinear', align_corners=self.align_corners, warning=False)
                total += F.conv2d(level, weight, padding=1)
        return self.activate(total)


def _logits(model: nn.Module, image: Tensor) -> Tensor:
    with torch.no_grad():
        return model(image)
