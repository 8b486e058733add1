"""One picture a sample: image, truth, prediction, errors, and the offset fields of every aligner."""
from typing import Dict, List, Sequence, Tuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..ops import watch
from .flow import draw_offset, flow_wheel

WHITE, BLACK, GREY, RED, GREEN = (255, 255, 255), (0, 0, 0), (128, 128, 128), (214, 39, 40), (226, 240, 226)
CAPTION = 18  # pixels above every picture


def inspect(model: torch.nn.Module, sample: dict) -> Tuple[Dict[str, np.ndarray], Dict[str, Tensor]]:
    """Run a segmentor on one dataset sample and collect what can be drawn.

    Args:
        model: Segmentor in evaluation mode, with ``dataset_meta``.
        sample: One item of a test dataset with annotations (``inputs`` and ``data_samples``).

    Returns:
        Arrays ``image`` (H, W, 3) RGB, ``truth`` and ``prediction`` (H, W), and the exposed maps of the parts.
    """
    batch = dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])
    with torch.no_grad(), watch(model) as seen:
        result = model.test_step(batch)[0]
    truth = result.gt_sem_seg.data.squeeze(0).cpu().numpy()
    image = sample['inputs'].permute(1, 2, 0).numpy()[..., ::-1].astype(np.uint8)  # pipelines load BGR
    if image.shape[:2] != truth.shape:
        image = np.array(Image.fromarray(image).resize(truth.shape[::-1]))
    return dict(image=image, truth=truth, prediction=result.pred_sem_seg.data.squeeze(0).cpu().numpy()), dict(seen)


def draw_panel(arrays: Dict[str, np.ndarray], maps: Dict[str, Tensor], palette: Sequence[Sequence[int]],
               classes: Sequence[str], ignore_index: int = 255, min_height: int = 240) -> Image.Image:
    """Put everything of one sample side by side, with captions and legends.

    Args:
        arrays: See :func:`inspect`.
        maps: Exposed maps; those named ``*.offset`` are drawn.
        palette: RGB of every class.
        classes: Names, for the legend.
        ignore_index: Drawn black in the truth and grey in the error map.
        min_height: Smaller pictures are enlarged by a whole factor, to at least this many pixels.
    """
    zoom = max(-(-min_height // arrays['truth'].shape[0]), 1)
    image, truth, prediction = (
        arrays[name].repeat(zoom, axis=0).repeat(zoom, axis=1) for name in ('image', 'truth', 'prediction'))
    labelled = truth != ignore_index
    wrong = labelled & (truth != prediction)
    error = np.full((*truth.shape, 3), GREEN, np.uint8)
    error[wrong], error[~labelled] = RED, GREY
    cells = [('image', image), ('truth', colour(truth, palette)), ('prediction', colour(prediction, palette)),
             (f'errors: {100 * wrong.sum() / max(labelled.sum(), 1):.1f} % of labelled pixels', error)]
    for name, offset in maps.items():
        if not name.endswith('.offset'):
            continue
        fields = offset[0].split(2)
        for i, field in enumerate(fields):
            picture, longest = draw_offset(field)
            which = f' field {i + 1}' if len(fields) > 1 else ''
            title = f'{name[:-len(".offset")]}{which}, {tuple(field.shape[1:])}, longest {longest:.2f} px'
            cells.append((title, with_wheel(np.array(Image.fromarray(picture).resize(truth.shape[::-1], 0)))))
    grid = tile(cells, columns=4 if len(cells) > 6 or len(cells) == 4 else 3)
    return below(grid, legend(palette, classes, grid.width))


def colour(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Label map (H, W) to RGB; labels outside the palette are black."""
    table = np.zeros((256, 3), np.uint8)
    table[:len(palette)] = palette
    return table[labels.astype(np.uint8)]


def with_wheel(picture: np.ndarray) -> np.ndarray:
    """Paste the colour wheel into the lower right corner."""
    size = max(min(picture.shape[:2]) // 4, 16)
    picture = picture.copy()
    picture[-size:, -size:] = flow_wheel(size)
    return picture


def tile(cells: List[Tuple[str, np.ndarray]], columns: int) -> Image.Image:
    """Captioned pictures of one size in rows."""
    height, width = cells[0][1].shape[:2]
    rows = -(-len(cells) // columns)
    canvas = Image.new('RGB', (columns * width, rows * (height + CAPTION)), WHITE)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default()
    for i, (title, picture) in enumerate(cells):
        x, y = i % columns * width, i // columns * (height + CAPTION)
        draw.text((x + 4, y + 3), fit(title, width - 8, draw, font), fill=BLACK, font=font)
        canvas.paste(Image.fromarray(picture), (x, y + CAPTION))
    return canvas


def fit(text: str, width: int, draw: ImageDraw.ImageDraw, font) -> str:
    """Shorten ``text`` from the left until it fits: the end of a module path tells more than its beginning."""
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength('…' + text, font=font) > width:
        text = text[1:]
    return '…' + text


def legend(palette: Sequence[Sequence[int]], classes: Sequence[str], width: int) -> Image.Image:
    """Colour patches with class names, wrapped to ``width``."""
    probe, font = ImageDraw.Draw(Image.new('RGB', (1, 1))), ImageFont.load_default()
    places, x, y = [], 4, 4
    for name in classes:
        step = 22 + int(probe.textlength(name, font=font)) + 12
        if x + step > width:
            x, y = 4, y + CAPTION
        places.append((x, y))
        x += step
    canvas = Image.new('RGB', (width, y + CAPTION + 2), WHITE)
    draw = ImageDraw.Draw(canvas)
    for (x, y), name, rgb in zip(places, classes, palette):
        draw.rectangle([x, y, x + 16, y + 11], fill=tuple(int(v) for v in rgb), outline=BLACK)
        draw.text((x + 21, y), name, fill=BLACK, font=font)
    return canvas


def below(top: Image.Image, bottom: Image.Image) -> Image.Image:
    """Stack two pictures of one width."""
    canvas = Image.new('RGB', (top.width, top.height + bottom.height), WHITE)
    canvas.paste(top, (0, 0))
    canvas.paste(bottom, (0, top.height))
    return canvas
