"""Offset fields as colours (hue is the direction, saturation the length) and as arrows."""
from typing import Tuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision.utils import flow_to_image

from .canvas import BLACK, WHITE, faded


def full_length(offset: Tensor) -> float:
    """The length in pixels that gets full colour: of all but the longest half per cent, which may be outliers."""
    return offset.float().norm(dim=0).flatten().quantile(0.995).item()


def draw_offset(offset: Tensor) -> Tuple[np.ndarray, float]:
    """Colour one offset field.

    Args:
        offset: (2, H, W) as (dx, dy), in pixels.

    Returns:
        RGB image (H, W, 3), uint8, and the length in pixels that has full colour.
    """
    offset = offset.float().cpu()
    length = full_length(offset)
    cut = offset * (length / offset.norm(dim=0).clamp(min=1e-12)).clamp(max=1)
    return flow_to_image(cut).permute(1, 2, 0).numpy(), length


def flow_wheel(size: int) -> np.ndarray:
    """The legend: the colour of every direction, a disc in a white square (size, size, 3), uint8."""
    axis = torch.linspace(-1, 1, size)
    dy, dx = torch.meshgrid(axis, axis, indexing='ij')
    outside = dx**2 + dy**2 > 1
    dx, dy = dx.masked_fill(outside, 0), dy.masked_fill(outside, 0)
    return flow_to_image(torch.stack([dx, dy])).permute(1, 2, 0).numpy()


def with_wheel(drawing: np.ndarray) -> np.ndarray:
    """Paste the colour wheel into the lower right corner, with a thin rim."""
    size = max(min(drawing.shape[:2]) // 5, 16)
    drawing = np.ascontiguousarray(drawing)
    axis = np.arange(size) - (size - 1) / 2
    disc = axis[:, None]**2 + axis**2 <= (size / 2)**2
    corner = drawing[-size - 4:-4, -size - 4:-4]
    corner[disc] = flow_wheel(size)[disc]
    middle = tuple(int(n - 4 - size / 2) for n in drawing.shape[1::-1])
    cv2.circle(drawing, middle, size // 2, BLACK, 1, cv2.LINE_AA)
    return drawing


def draw_arrows(image: np.ndarray, offset: Tensor, across: int = 22) -> Tuple[np.ndarray, float]:
    """Where each position reads the coarse level, as arrows on the image.

    Args:
        image: RGB (H, W, 3), uint8; made pale.
        offset: (2, h, w) as (dx, dy), in pixels of its own grid.
        across: About how many arrows along the longer side.

    Returns:
        The image, and by which factor the arrows are drawn too long (or short): the longest spans a grid step.
    """
    height, width = image.shape[:2]
    step = max(height, width) / across
    grown = torch.nn.functional.interpolate(
        offset[None].float().cpu(), size=(round(height / step), round(width / step)), mode='area')[0]
    grown = grown * torch.tensor([width / offset.shape[2], height / offset.shape[1]]).view(2, 1, 1)  # image pixels
    length = full_length(grown)
    factor = float(f'{step / length:.1g}') if length > 1e-6 else 1.  # a round number
    colours, _ = draw_offset(grown)
    drawing, bits = faded(image), 4
    for i in range(grown.shape[1]):
        for j in range(grown.shape[2]):
            start = np.array([(j + .5) * width / grown.shape[2], (i + .5) * height / grown.shape[1]])
            move = grown[:, i, j].numpy() * factor
            long = np.hypot(*move)
            ends = [tuple(int(round(v * 2**bits)) for v in point) for point in (start, start + move)]
            rgb = tuple(int(v) for v in colours[i, j] * 0.75)  # darker than the field: seen on a pale ground
            for line, thick in ((WHITE, 4), (rgb, 2)):
                if long < 4:
                    cv2.circle(drawing, ends[0], (thick // 2) * 2**bits, line, cv2.FILLED, cv2.LINE_AA, bits)
                else:
                    cv2.arrowedLine(drawing, *ends, line, thick, cv2.LINE_AA, bits, min(0.45, 6 / long))
    return drawing, factor
