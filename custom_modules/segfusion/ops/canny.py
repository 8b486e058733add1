"""Canny edges in tensor operations, so that they stay on the device and in an exported file."""
from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 15
TAN_22 = 13573  # tan(22.5 degrees) in units of 2**-SHIFT


def canny(image: Tensor, low: float, high: float) -> Tensor:
    """Canny edges: gradient, thinned across its direction, and all that hangs together with a strong one.

    Paper: A Computational Approach to Edge Detection, 1986.

    Checked against: OpenCV ``Canny`` (aperture 3, the sum of absolute differences as magnitude), equal.

    Convention: of several channels the one with the largest gradient counts at a pixel, the first of equals; pixels
    outside the image repeat the border for the gradient and have none of their own.

    Args:
        image: (N, C, H, W), integers 0..255 of any type.
        low, high: Thresholds of the magnitude, in colour levels.

    Returns:
        (N, 1, H, W), True on edges.
    """
    dx, dy = _sobel(image.float())
    dx, dy, size = _strongest_channel(dx, dy)
    thin = _thin(dx.long(), dy.long(), size, low)
    strong = (thin & (size > high)).float()
    return connected_to(strong, thin.float()) > 0


def _sobel(x: Tensor) -> Tuple[Tensor, Tensor]:
    x = F.pad(x, (1, 1, 1, 1), mode='replicate')
    across, down = x[..., 2:] - x[..., :-2], x[..., 2:, :] - x[..., :-2, :]
    return (across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :],
            down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:])


def _strongest_channel(dx: Tensor, dy: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    size = dx.abs() + dy.abs()
    best_x, best_y, best = dx[:, :1], dy[:, :1], size[:, :1]
    for c in range(1, dx.shape[1]):
        larger = size[:, c:c + 1] > best
        best_x = torch.where(larger, dx[:, c:c + 1], best_x)
        best_y = torch.where(larger, dy[:, c:c + 1], best_y)
        best = torch.where(larger, size[:, c:c + 1], best)
    return best_x, best_y, best


def _thin(dx: Tensor, dy: Tensor, size: Tensor, low: float) -> Tensor:
    """Pixels above ``low`` that no neighbour along the gradient exceeds; directions in steps of 45 degrees."""
    height, width = size.shape[2:]
    around = F.pad(size, (1, 1, 1, 1))

    def at(down: int, right: int) -> Tensor:
        return around[:, :, 1 + down:1 + down + height, 1 + right:1 + right + width]

    x, y = dx.abs(), dy.abs() * 2**SHIFT
    flat = y < x * TAN_22
    steep = y > x * TAN_22 + x * 2**(SHIFT + 1)
    falls = (dx < 0) != (dy < 0)
    left_right = (size > at(0, -1)) & (size >= at(0, 1))
    up_down = (size > at(-1, 0)) & (size >= at(1, 0))
    rising = (size > at(-1, -1)) & (size > at(1, 1))
    falling = (size > at(-1, 1)) & (size > at(1, -1))
    diagonal = (falls & falling) | (~falls & rising)  # no where() of booleans in ONNX Runtime
    return (size > low) & ((flat & left_right) | (~flat & ((steep & up_down) | (~steep & diagonal))))


def connected_to(seeds: Tensor, allowed: Tensor) -> Tensor:
    """Pixels of ``allowed`` that a path of neighbours (eight a pixel) inside it connects with ``seeds``.

    Args:
        seeds, allowed: (N, C, H, W), 0 or 1, floating.

    Returns:
        (N, C, H, W), 0 or 1.
    """
    # A trace would keep the number of rounds of its example; a script keeps the loop.
    return (torch.jit.script(_grow) if torch.jit.is_tracing() else _grow)(seeds, allowed)


def _grow(seeds: Tensor, allowed: Tensor) -> Tensor:
    before = torch.zeros_like(seeds)
    now = seeds * allowed
    while bool((now != before).any()):
        before = now
        for _ in range(8):  # steps a look: each look waits for the device
            now = F.max_pool2d(now, [3, 3], [1, 1], [1, 1]) * allowed
    return now
