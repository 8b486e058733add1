"""Offset fields as colours: hue is the direction, saturation the length relative to the longest."""
from typing import Tuple

import numpy as np
import torch
from torch import Tensor
from torchvision.utils import flow_to_image


def draw_offset(offset: Tensor) -> Tuple[np.ndarray, float]:
    """Colour one offset field.

    Args:
        offset: (2, H, W) as (dx, dy), in pixels.

    Returns:
        RGB picture (H, W, 3), uint8, and the length in pixels that has full colour.
    """
    longest = offset.float().norm(dim=0).max().item()
    return flow_to_image(offset.float().cpu()).permute(1, 2, 0).numpy(), longest


def flow_wheel(size: int) -> np.ndarray:
    """The legend: the colour of every direction, a disc in a white square (size, size, 3), uint8."""
    axis = torch.linspace(-1, 1, size)
    dy, dx = torch.meshgrid(axis, axis, indexing='ij')
    outside = dx**2 + dy**2 > 1
    dx, dy = dx.masked_fill(outside, 0), dy.masked_fill(outside, 0)
    return flow_to_image(torch.stack([dx, dy])).permute(1, 2, 0).numpy()
