"""The images of a report: whole image with its crop marked, the crop of the truth and of every prediction."""
import base64
import io
from html import escape
from typing import List

import numpy as np
from PIL import Image, ImageDraw

from ..evaluation.boundaries import class_edges
from ..visualization.panel import colour
from .examples import Example, Gallery, crop, wrong_share
from .summary import Summary

ZOOM = 4  # screen pixels a pixel of the crop
PALE = 0.62  # how far towards white what is right fades
GREY = 128


def data_uri(image: Image.Image) -> str:
    """The image inside the page."""
    buffer = io.BytesIO()
    few = image.getcolors(256) is not None
    if few:
        image.convert('P', palette=Image.Palette.ADAPTIVE, colors=256).save(buffer, 'PNG', optimize=True)
    else:
        image.save(buffer, 'JPEG', quality=88)
    kind = 'png' if few else 'jpeg'
    return f'data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}'


def boxed(example: Example) -> Image.Image:
    """The image with its crop outlined."""
    zoom = max(-(-256 // example.image.shape[0]), 1)
    image = Image.fromarray(example.image.repeat(zoom, 0).repeat(zoom, 1))
    top, left, height, width = (v * zoom for v in example.box)
    draw = ImageDraw.Draw(image)
    for grow, ink in ((0, (0, 0, 0)), (1, (255, 255, 0)), (2, (255, 255, 0)), (3, (0, 0, 0))):
        draw.rectangle([left - grow, top - grow, left + width + grow, top + height + grow], outline=ink)
    return image


def outlined(labels: np.ndarray, truth: np.ndarray, palette, ignore_index: int) -> Image.Image:
    """Labels enlarged: pale where they are right, in full colour where they are wrong, unlabelled pixels grey, and the
    boundaries of the truth as black lines."""
    drawing = colour(labels, palette).astype(np.float32)
    right, unlabelled = labels == truth, truth == ignore_index
    drawing[right] = PALE * 255 + (1 - PALE) * drawing[right]
    drawing[unlabelled] = GREY
    large = drawing.astype(np.uint8).repeat(ZOOM, 0).repeat(ZOOM, 1)
    large[class_edges(truth.repeat(ZOOM, 0).repeat(ZOOM, 1), ignore_index)] = 0
    return Image.fromarray(large)


def photo(example: Example) -> Image.Image:
    part = Image.fromarray(crop(example.image, example.box))
    return part.resize((part.width * ZOOM, part.height * ZOOM), Image.Resampling.BICUBIC)


def gallery_html(summary: Summary, gallery: Gallery) -> str:
    """One block an image, one tile a combination."""
    numbers = {row.name: row.number for row in summary.rows}
    parts: List[str] = []
    for example in gallery.examples:
        truth = crop(example.truth, example.box)
        size = f'{example.box[3]}x{example.box[2]} pixels, {ZOOM} times'
        tiles = [
            _tile(boxed(example), 'image, crop marked', cls='wide', photograph=True),
            _tile(photo(example), 'crop', size, photograph=True),
            _tile(Image.fromarray(colour(truth, gallery.palette).repeat(ZOOM, 0).repeat(ZOOM, 1)), 'truth')
        ]
        for name, labels in example.predictions.items():
            wrong = wrong_share(example, name, gallery.ignore_index)
            tile = outlined(crop(labels, example.box), truth, gallery.palette, gallery.ignore_index)
            tiles.append(_tile(tile, f'{numbers[name]}  {name}', f'{wrong:.1f} % wrong', row=name))
        parts.append(f'<h3>Test image {example.index}</h3><div class="gallery">{"".join(tiles)}</div>')
    patches = ''.join(
        f'<span class="key"><span class="patch" style="background:rgb{tuple(map(int, rgb))}"></span>'
        f'{escape(name)}</span>' for name, rgb in zip(gallery.classes, gallery.palette))
    return f'<p class="legend">{patches}</p>' + ''.join(parts)


def _tile(image: Image.Image, title: str, more: str = '', *, cls: str = '', photograph: bool = False,
          row: str = '') -> str:
    data = f' data-row="{escape(row)}"' if row else ''
    smooth = ' class="photo"' if photograph else ''
    return (f'<figure class="{("series " + cls).strip()}"{data}><img{smooth} alt="{escape(title)} {escape(more)}" '
            f'src="{data_uri(image)}"><figcaption>{escape(title)}<br>{escape(more)}</figcaption></figure>')
