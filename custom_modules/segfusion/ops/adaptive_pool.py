"""Adaptive average pooling as two matrix products."""
from typing import Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from ..portable import portable
from .precision import full_precision


def adaptive_avg_pool(x: Tensor, size: Union[int, Tuple[int, int]]) -> Tensor:
    r"""``adaptive_avg_pool2d``; where that has no form of its own, the same numbers by matrix products.

    .. math:: y = A_h\,x\,A_w^\top, \quad A_{ij} = [a_i \le j < b_i] / (b_i - a_i), \quad
        a_i = \lfloor i n / k \rfloor, \quad b_i = \lceil (i+1) n / k \rceil

    The products are taken under ``torch.use_deterministic_algorithms(True)``, because the backward on CUDA adds by
    atomics and raises there, and in portable exports (:func:`~.portable.portable_operations`), because ONNX has no
    adaptive pooling. Pooling to one cell is a plain mean everywhere.

    Args:
        x: (N, C, H, W).
        size: Cells k of the result, or (rows, columns).

    Shape:
        - x (N, C, H, W) -> (N, C, rows, columns)
    """
    reproducible = torch.are_deterministic_algorithms_enabled() and x.requires_grad
    if size in (1, (1, 1)) or not (portable() or reproducible):
        return F.adaptive_avg_pool2d(x, size)
    rows, columns = (size, size) if isinstance(size, int) else size
    # bfloat16 cannot hold the sum of a large cell.
    exact = x.dtype if x.dtype == torch.float64 else torch.float32
    with full_precision(x.device):
        y = torch.matmul(_averages(x.shape[3], columns, exact, x.device), x.to(exact).transpose(2, 3)).transpose(2, 3)
        return torch.matmul(_averages(x.shape[2], rows, exact, x.device), y).to(x.dtype)


def _averages(n: int, cells: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(cells, n), every row averages its cell."""
    i = torch.arange(cells, device=device).unsqueeze(1)
    first = torch.div(i * n, cells, rounding_mode='floor')
    end = torch.div((i + 1) * n + (cells - 1), cells, rounding_mode='floor')
    j = torch.arange(n, device=device)
    return ((j >= first) & (j < end)).to(dtype) / (end - first).to(dtype)
