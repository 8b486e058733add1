"""Bilinear sampling of channels-last maps on CPU, where the channels of a pixel lie side by side."""
from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..portable import portable


def prefers_rows(x: Tensor, offset: Tensor) -> bool:
    """Whether :func:`sample_rows` is the faster way: channels-last, on CPU, and nobody needs a gradient."""
    if x.device.type != 'cpu' or portable() or torch.jit.is_tracing() or x.is_contiguous():
        return False
    if torch.is_grad_enabled() and (x.requires_grad or offset.requires_grad):
        return False
    return x.is_contiguous(memory_format=torch.channels_last)


def sample_rows(x: Tensor, offset: Tensor, align_corners: bool, padding_mode: str) -> Tensor:
    """What :func:`~.warp.warp` says, as a weighted sum of four rows of ``x`` seen as an (N h w, C) table.

    torch's ``grid_sample`` fetches one number at a time whatever the memory format, on one thread an image, and returns
    a map that is not channels-last. ``embedding_bag`` fetches the channels of a pixel at once.

    Shape:
        - x (N, C, h, w), offset (N, 2, H, W), of one type -> (N, C, H, W), channels-last
    """
    n, channels, h, w = x.shape
    height, width = offset.shape[2:]
    column = torch.arange(width, dtype=offset.dtype)
    row = torch.arange(height, dtype=offset.dtype).unsqueeze(1)
    left, right, to_left, to_right = _neighbours(column + offset[:, 0], w, width, align_corners, padding_mode)
    above, below, to_above, to_below = _neighbours(row + offset[:, 1], h, height, align_corners, padding_mode)
    first = torch.arange(n).view(n, 1, 1) * (h * w)  # the image's first row in the table
    above, below = above * w + first, below * w + first
    index = torch.stack((above + left, above + right, below + left, below + right), dim=-1)  # (N, H, W, 4)
    weight = torch.stack((to_above * to_left, to_above * to_right, to_below * to_left, to_below * to_right), dim=-1)
    y = F.embedding_bag(
        index.view(-1, 4), x.permute(0, 2, 3, 1).reshape(-1, channels), per_sample_weights=weight.view(-1, 4),
        mode='sum')  # (N H W, C)
    return y.view(n, height, width, channels).permute(0, 3, 1, 2)


def _neighbours(p: Tensor, size: int, target: int, align_corners: bool,
                padding_mode: str) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """The two source pixels around target position ``p`` along one axis, and their weights."""
    if align_corners:
        u = p * ((size - 1) / max(target - 1, 1))
    else:
        u = (p + 0.5) * (size / target) - 0.5
    if padding_mode == 'border':
        u = u.clamp_(0, size - 1)
    lower = u.floor()
    fraction = u - lower
    lower = lower.long()
    upper = lower + 1
    outside = u.new_zeros(())
    to_lower = torch.where((lower >= 0) & (lower < size), 1 - fraction, outside)
    to_upper = torch.where((upper >= 0) & (upper < size), fraction, outside)
    return lower.clamp_(0, size - 1), upper.clamp_(0, size - 1), to_lower, to_upper
