"""The bilinear kernel of a transposed convolution, as in FCN."""
import torch
from torch import Tensor


def bilinear_kernel(size: int) -> Tensor:
    r"""Weights with which a transposed convolution of stride ``ceil(size / 2)`` interpolates linearly.

    .. math::
        k(i, j) = (1 - |i - c| / f) (1 - |j - c| / f), \quad f = \lceil size / 2 \rceil, \quad c = (size - 1) / 2

    Paper: `Fully Convolutional Networks for Semantic Segmentation <https://arxiv.org/abs/1411.4038>`_, Sec. 3.3.
    Checked against: the kernels of the authors' release (sizes 4, 16, 32, 64), exactly.
    Differs: nothing known.

    Args:
        size (int): Width and height of the kernel, in pixels of the fine grid.

    Shape:
        - returns (size, size), float32
    """
    factor = (size + 1) // 2
    centre = (size - 1) / 2
    ramp = 1 - (torch.arange(size, dtype=torch.float64) - centre).abs() / factor
    return (ramp[:, None] * ramp[None, :]).float()
