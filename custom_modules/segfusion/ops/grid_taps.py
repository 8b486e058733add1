"""Bilinear sampling spelt out: four taps a sample, each an index and a weight.

``grid_sample`` is one operation, and two places cannot use it: runtimes that do not know it, and reproducible training
on a GPU, where its backward adds up by atomics in whatever order threads come. Both are served from the same taps,
whose positions are computed by the same arithmetic as ``grid_sample``'s, so that no sample falls into another cell.
"""
from typing import List, NamedTuple, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


class Taps(NamedTuple):
    """The four neighbours of every sample: above left, above right, below left, below right; (N, H, W) each.

    ``slope_x`` and ``slope_y`` are the derivatives of the weights by the *normalised* position.
    """
    index: List[Tensor]  # rows of the map seen as an (N h w, C) table
    weight: List[Tensor]
    slope_x: List[Tensor]
    slope_y: List[Tensor]


def grid_taps(grid: Tensor, size: Tuple[int, int], padding_mode: str, align_corners: bool) -> Taps:
    """Taps of normalised positions, as :func:`torch.nn.functional.grid_sample` reads them.

    Args:
        grid: Positions (x, y), -1 and 1 are the edges of the map, (N, H, W, 2).
        size: Height and width of the map.
        padding_mode: ``'border'`` or ``'zeros'``.
        align_corners: Whether the edges are the centres of the corner pixels or their outer borders.
    """
    height, width = size
    left, right, to_left, to_right, in_left, in_right, slope_x = _axis(grid[..., 0], width, padding_mode, align_corners)
    above, below, to_above, to_below, in_above, in_below, slope_y = _axis(grid[..., 1], height, padding_mode,
                                                                          align_corners)
    first = torch.arange(grid.shape[0], device=grid.device).view(-1, 1, 1) * (height * width)
    above, below = above * width + first, below * width + first
    return Taps(
        [above + left, above + right, below + left, below + right],
        [to_above * to_left, to_above * to_right, to_below * to_left, to_below * to_right],
        [-to_above * in_left * slope_x, to_above * in_right * slope_x, -to_below * in_left * slope_x,
         to_below * in_right * slope_x],
        [-to_left * in_above * slope_y, -to_right * in_above * slope_y, to_left * in_below * slope_y,
         to_right * in_below * slope_y])


def gather_sample(x: Tensor, grid: Tensor, padding_mode: str, align_corners: bool) -> Tensor:
    """``grid_sample`` by nothing but arithmetic and row look-ups (ONNX: ``Gather``).

    Shape:
        - x (N, C, h, w), grid (N, H, W, 2), of one type -> (N, C, H, W)
    """
    n, channels = x.shape[:2]
    height, width = grid.shape[1:3]
    taps = grid_taps(grid, x.shape[2:], padding_mode, align_corners)
    rows = x.permute(0, 2, 3, 1).reshape(-1, channels)
    total = None
    for index, weight in zip(taps.index, taps.weight):
        part = rows.index_select(0, index.reshape(-1)) * weight.reshape(-1, 1)
        total = part if total is None else total + part
    return total.view(n, height, width, channels).permute(0, 3, 1, 2)


def deterministic_grid_sample(x: Tensor, grid: Tensor, padding_mode: str, align_corners: bool) -> Tensor:
    """``grid_sample`` with a backward that adds up in a fixed order on every device.

    The forward *is* ``grid_sample``. The backward adds rows by ``index_add_`` (on CPU: ``scatter_add_``), which torch
    makes deterministic under ``torch.use_deterministic_algorithms(True)``, where ``grid_sample``'s raises on CUDA.

    Shape:
        - x (N, C, h, w), grid (N, H, W, 2), of one type -> (N, C, H, W)
    """
    return _DeterministicSample.apply(x, grid, padding_mode, align_corners)


class _DeterministicSample(torch.autograd.Function):

    @staticmethod
    def forward(ctx, x, grid, padding_mode, align_corners):
        ctx.save_for_backward(x, grid)
        ctx.options = padding_mode, align_corners
        return F.grid_sample(x, grid, mode='bilinear', padding_mode=padding_mode, align_corners=align_corners)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, grid = ctx.saved_tensors
        n, channels, height, width = x.shape
        taps = grid_taps(grid, (height, width), *ctx.options)
        grad = grad.permute(0, 2, 3, 1).reshape(-1, channels)  # (N H W, C)
        grad_x = grad_grid = None
        if ctx.needs_input_grad[0]:
            rows = grad.new_zeros(n * height * width, channels)
            for index, weight in zip(taps.index, taps.weight):
                _add_rows(rows, index.reshape(-1), grad * weight.reshape(-1, 1))
            grad_x = rows.view(n, height, width, channels).permute(0, 3, 1, 2)
        if ctx.needs_input_grad[1]:
            rows = x.permute(0, 2, 3, 1).reshape(-1, channels)
            grad_grid = torch.zeros_like(grid)
            for index, slope_x, slope_y in zip(taps.index, taps.slope_x, taps.slope_y):
                value = (rows.index_select(0, index.reshape(-1)) * grad).sum(1).view(index.shape)  # (N, H, W)
                grad_grid[..., 0] += value * slope_x
                grad_grid[..., 1] += value * slope_y
        return grad_x, grad_grid, None, None


def _add_rows(table: Tensor, index: Tensor, rows: Tensor) -> None:
    """``table[index] += rows`` in a fixed order."""
    if table.device.type == 'cpu':  # index_add_ goes row by row there; an expanded index is sorted instead
        table.scatter_add_(0, index.unsqueeze(1).expand_as(rows), rows)
    else:  # deterministic on CUDA for matrices since torch 2.0; scatter_add_ only in later versions
        table.index_add_(0, index, rows)


def _axis(position: Tensor, size: int, padding_mode: str, align_corners: bool):
    """Both neighbours along one axis, their weights, whether they count, and pixels per normalised unit."""
    if align_corners:
        u, scale = (position + 1) / 2 * (size - 1), (size - 1) / 2
    else:
        u, scale = ((position + 1) * size - 1) / 2, size / 2
    slope = torch.ones_like(u) * scale
    if padding_mode == 'border':
        slope = torch.where((u > 0) & (u < size - 1), slope, torch.zeros_like(u))
        u = u.clamp(0, size - 1)
    lower = u.floor()
    upper = lower + 1
    in_lower = ((lower >= 0) & (lower < size)).to(u.dtype)
    in_upper = ((upper >= 0) & (upper < size)).to(u.dtype)
    to_lower, to_upper = (upper - u) * in_lower, (u - lower) * in_upper
    last = size - 1
    return (lower.clamp(0, last).long(), upper.clamp(0, last).long(), to_lower, to_upper, in_lower, in_upper, slope)
