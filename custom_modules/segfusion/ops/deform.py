"""Deformable convolution as a sum of warps."""
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from ..portable import portable
from .warp import warp


def prefers_warps(*tensors: Tensor) -> bool:
    """Whether torchvision's kernel will not do: in exports, and where a backward has to add up in a fixed order."""
    return portable() or (
        torch.are_deterministic_algorithms_enabled() and torch.is_grad_enabled()
        and any(t.requires_grad for t in tensors))


def deform_conv_by_warps(x: Tensor, offset: Tensor, weight: Tensor, mask: Optional[Tensor] = None) -> Tensor:
    r"""What ``torchvision.ops.deform_conv2d`` computes with stride 1 and padding k // 2, tap by tap.

    .. math:: y = \sum_k W_k\,(m_k \cdot warp(x, k + \Delta_k))

    Args:
        x: (N, C, H, W).
        offset: (dy, dx) of each tap in pixels, (N, 2 k k, H, W), in torchvision's order.
        weight: (C_out, C, k, k), k odd.
        mask: (N, k k, H, W). Defaults to None: ones.

    Shape:
        - x (N, C, H, W) -> (N, C_out, H, W)
    """
    size, total = weight.shape[2], None
    for tap in range(size * size):
        row, column = tap // size, tap % size
        place = torch.cat([
            offset[:, 2 * tap + 1:2 * tap + 2] + (column - size // 2),
            offset[:, 2 * tap:2 * tap + 1] + (row - size // 2),
        ], dim=1)
        moved = warp(x, place, align_corners=False, padding_mode='zeros')
        if mask is not None:
            moved = moved * mask[:, tap:tap + 1]
        part = F.conv2d(moved, weight[:, :, row, column, None, None])
        total = part if total is None else total + part
    return total
