"""Convolving a resized map without ever building it."""
from functools import lru_cache
from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor


def resized_conv2d(x: Tensor, weight: Tensor, size: Tuple[int, int], *, align_corners: bool) -> Tensor:
    r"""``conv2d(interpolate(x, size), weight, padding='same')``, exactly, at a fraction of the work.

    Bilinear resizing is one matrix along each axis, so with :math:`R_a` the resizing matrix whose rows are moved by
    :math:`a` (zeros move in), and :math:`W_{ab}` the :math:`1 \times 1` slices of the kernel,

    .. math:: y = \sum_a R^h_a \Big( \sum_b (W_{ab} x)\, R^{w\top}_b \Big).

    The channels are mixed on the small map; only two thin products reach the large one. Worth it from a ratio of about
    4 an axis: for 128 channels from 16x32 to 128x256 it takes 0.4 GMACs instead of 4.8.

    Args:
        x: (N, C, h, w).
        weight: (O, C, k, k), k odd.
        size: (H, W) of the resized map and of the output.
        align_corners: Of the resizing.

    Returns:
        (N, O, H, W), in channels-last memory.

    Shape:
        - x (N, C, h, w), weight (O, C, k, k) -> (N, O, H, W)
    """
    n, _, h, w = x.shape
    o, c, k, _ = weight.shape
    slices = weight.permute(2, 3, 0, 1).reshape(k * k * o, c, 1, 1)
    z = F.conv2d(x, slices).view(n, k, k, o, h, w)  # a, b
    z = z.permute(0, 1, 4, 2, 5, 3).reshape(n, k * h, k * w, o)  # (n, a h, b w, o)
    wide = _shifted(w, size[1], k, align_corners, x.dtype, x.device)  # (W, b w)
    high = _shifted(h, size[0], k, align_corners, x.dtype, x.device)  # (H, a h)
    z = torch.matmul(wide, z)  # (n, a h, W, o)
    y = torch.matmul(high, z.view(n, k * h, size[1] * o))  # (n, H, W o)
    return y.view(n, size[0], size[1], o).permute(0, 3, 1, 2)


@lru_cache(maxsize=64)
def _shifted(source: int, target: int, k: int, align_corners: bool, dtype: torch.dtype,
             device: torch.device) -> Tensor:
    """[R_-1, R_0, R_1] for k = 3: (target, k * source)."""
    eye = torch.eye(source, dtype=torch.float64).view(1, source, source)
    resize = F.interpolate(eye, size=target, mode='linear', align_corners=align_corners)[0].t()  # (target, source)
    padded = F.pad(resize, (0, 0, k // 2, k // 2))
    return torch.cat([padded[a:a + target] for a in range(k)], dim=1).to(device, dtype)
