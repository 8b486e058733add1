"""Captioned images in rows, colour bars, and which colour is which class."""
from typing import NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WHITE, BLACK, INK, GREY = (255, 255, 255), (0, 0, 0), (30, 30, 30), (128, 128, 128)
GAP = 6  # pixels between images


class Cell(NamedTuple):
    """An image with its caption; ``bar`` is what the ends of its colour scale mean."""
    title: str
    image: np.ndarray
    bar: Optional[Tuple[str, str]] = None


def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, or the one that comes with matplotlib if Pillow has none of any size (before 10.1)."""
    try:
        return ImageFont.load_default(size=size)
    except TypeError:
        from matplotlib.font_manager import findfont
        return ImageFont.truetype(findfont('DejaVu Sans'), size)


def colour(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Label map (H, W) to RGB; labels outside the palette are black."""
    table = np.zeros((2**16, 3), np.uint8)
    table[:len(palette)] = palette
    return table[labels.astype(np.uint16)]


def heat(values: np.ndarray) -> np.ndarray:
    """Values in 0..1 (H, W) to RGB on the viridis scale; others are cut off."""
    levels = (np.clip(np.nan_to_num(values), 0, 1) * 255).round().astype(np.uint8)
    return cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[..., ::-1]


def faded(image: np.ndarray, strength: float = 0.5) -> np.ndarray:
    """The image as a pale grey ground to draw on, its contrast stretched first."""
    grey = image.astype(np.float32).mean(-1, keepdims=True)
    low, high = np.percentile(grey, (1, 99))
    grey = np.clip((grey - low) / max(high - low, 1), 0, 1)
    return np.broadcast_to(255 * (1 - strength + strength * grey), image.shape).round().astype(np.uint8)


def fitted(image: np.ndarray, size: Tuple[int, int], smooth: bool = False) -> np.ndarray:
    """Resize to (height, width), by nearest pixel unless ``smooth``."""
    if image.shape[:2] == tuple(size):
        return image
    way = cv2.INTER_NEAREST if not smooth else cv2.INTER_CUBIC if image.shape[0] < size[0] else cv2.INTER_AREA
    return cv2.resize(np.ascontiguousarray(image), tuple(size)[::-1], interpolation=way)


def tile(cells: Sequence[Cell], columns: int, text: int = 15) -> Image.Image:
    """Cells of one size in rows, captions of ``text`` pixels above."""
    height, width = cells[0].image.shape[:2]
    columns, caption, letters = min(columns, len(cells)), caption_height(text), font(text)
    rows = -(-len(cells) // columns)
    canvas = Image.new('RGB', (columns * (width + GAP) - GAP, rows * (height + caption)), WHITE)
    draw = ImageDraw.Draw(canvas)
    for i, cell in enumerate(cells):
        x, y = i % columns * (width + GAP), i // columns * (height + caption)
        room = width - 6 - (_bar(canvas, draw, letters, cell.bar, x + width, y, text) if cell.bar else 0)
        draw.text((x + 2, y + caption - 6), fit(cell.title, room, draw, letters), fill=INK, font=letters, anchor='ls')
        canvas.paste(Image.fromarray(np.ascontiguousarray(cell.image)), (x, y + caption))
    return canvas


def caption_height(text: int) -> int:
    """Pixels above an image for a caption of this size."""
    return text + 10


def _bar(canvas: Image.Image, draw: ImageDraw.ImageDraw, letters, ends: Tuple[str, str], right: int, top: int,
         text: int) -> int:
    """A colour scale that ends at ``right``; returns its width."""
    low, high = ends
    base, length = top + caption_height(text) - 6, 5 * text
    start = right - 2 - int(draw.textlength(high, font=letters)) - 4 - length
    draw.text((right - 2, base), high, fill=INK, font=letters, anchor='rs')
    draw.text((start - 4, base), low, fill=INK, font=letters, anchor='rs')
    scale = np.broadcast_to(heat(np.linspace(0, 1, length)[None]), (text - 4, length, 3))
    canvas.paste(Image.fromarray(np.ascontiguousarray(scale)), (start, base - text + 5))
    return right - start + int(draw.textlength(low, font=letters)) + 12


def fit(text: str, width: float, draw: ImageDraw.ImageDraw, letters) -> str:
    """Shorten ``text`` from the left until it fits: the end of a module path tells more than its beginning."""
    if draw.textlength(text, font=letters) <= width:
        return text
    while text and draw.textlength('…' + text, font=letters) > width:
        text = text[1:]
    return '…' + text


def class_legend(palette: Sequence[Sequence[int]], classes: Sequence[str], width: int, text: int = 15) -> Image.Image:
    """Boxes of colour with their names, wrapped to ``width``."""
    letters, line = font(text), text + 8
    probe = ImageDraw.Draw(Image.new('RGB', (1, 1)))
    places, x, y = [], 4, 4
    for name in classes:
        step = text + 6 + int(probe.textlength(name, font=letters)) + text
        if x + step > width and x > 4:
            x, y = 4, y + line
        places.append((x, y))
        x += step
    canvas = Image.new('RGB', (width, y + line), WHITE)
    draw = ImageDraw.Draw(canvas)
    for (x, y), name, rgb in zip(places, classes, palette):
        draw.rectangle([x, y + 1, x + text, y + text + 1], fill=tuple(int(v) for v in rgb), outline=GREY)
        draw.text((x + text + 6, y + text), name, fill=INK, font=letters, anchor='ls')
    return canvas


def below(top: Image.Image, bottom: Image.Image) -> Image.Image:
    """Stack two images of one width."""
    canvas = Image.new('RGB', (top.width, top.height + bottom.height), WHITE)
    canvas.paste(top, (0, 0))
    canvas.paste(bottom, (0, top.height))
    return canvas
