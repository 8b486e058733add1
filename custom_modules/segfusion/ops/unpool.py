"""Max pooling that remembers where its maxima were, and its inverse."""
from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..portable import portable


def max_pool_with_indices(x: Tensor) -> Tuple[Tensor, Tensor]:
    r"""Pool 2x2 with stride 2 and tell which pixel of ``x`` won each cell.

    The pooling indices are returned as a boolean map on the grid of ``x``: true where a pixel is the
    maximum of its cell, the first one if several are equal, as in ``max_pool2d(return_indices=True)``. The map is half
    the memory of int64 indices, and it carries the size before pooling, which the indices do not. Odd sizes keep
    their last row and column in a cell of their own (ceil mode).

    Shape:
        - x (N, C, H, W) -> pooled (N, C, ceil(H / 2), ceil(W / 2)), indices (N, C, H, W) bool
    """
    pooled, positions = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
    positions = positions.flatten(2)
    indices = torch.zeros_like(x, dtype=torch.bool).flatten(2)
    return pooled, indices.scatter(2, positions, torch.ones_like(positions, dtype=torch.bool)).view_as(x)


def unpool(coarse: Tensor, indices: Tensor) -> Tensor:
    r"""Put every value of ``coarse`` where its cell had its maximum, zero elsewhere.

    .. math:: y(p) = x(\lfloor p / 2 \rfloor) \cdot s(p)

    Equal to ``max_unpool2d`` bit for bit, but a gather rather than a scatter: deterministic on every device, also in
    its gradient.

    Raises:
        ValueError: If ``coarse`` is not what pooling the grid of ``indices`` gives.

    Shape:
        - coarse (N, C, ceil(H / 2), ceil(W / 2)), indices (N, C, H, W) -> (N, C, H, W)
    """
    height, width = indices.shape[2:]
    expected = (*indices.shape[:2], (height + 1) // 2, (width + 1) // 2)
    if coarse.shape != expected:
        raise ValueError(f'pooling indices {tuple(indices.shape)} belong to a pooled map of shape {expected}, got '
                         f'{tuple(coarse.shape)}; unpool each map with the indices of the pooling that made its grid')
    if portable():  # look-ups, which follow any size: an export would freeze whether the cut below does something
        rows, columns = (torch.arange(n, device=coarse.device) // 2 for n in (height, width))
        spread = coarse.index_select(2, rows).index_select(3, columns)
    else:
        spread = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)[..., :height, :width]
    return torch.where(indices, spread, torch.zeros((), dtype=coarse.dtype, device=coarse.device))
