"""The pictures of a report: whole image with its crop marked, the crop of the truth and of every prediction."""
import base64
import io
from html import escape
from typing import List

import numpy as np
from PIL import Image, ImageDraw

from ..visualization.panel import colour
from .pictures import Gallery, Picture, boundary, crop, wrong_share
from .summary import Summary

ZOOM = 4  # screen pixels a pixel of the crop


def data_uri(picture: Image.Image) -> str:
    """The picture inside the page."""
    buffer = io.BytesIO()
    few = picture.getcolors(256) is not None
    if few:
        picture.convert('P', palette=Image.Palette.ADAPTIVE, colors=256).save(buffer, 'PNG', optimize=True)
    else:
        picture.save(buffer, 'JPEG', quality=88)
    kind = 'png' if few else 'jpeg'
    return f'data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}'


def boxed(picture: Picture) -> Image.Image:
    """The image with its crop outlined."""
    zoom = max(-(-256 // picture.image.shape[0]), 1)
    image = Image.fromarray(picture.image.repeat(zoom, 0).repeat(zoom, 1))
    top, left, height, width = (v * zoom for v in picture.box)
    draw = ImageDraw.Draw(image)
    for grow, ink in ((0, (0, 0, 0)), (1, (255, 255, 0)), (2, (255, 255, 0)), (3, (0, 0, 0))):
        draw.rectangle([left - grow, top - grow, left + width + grow, top + height + grow], outline=ink)
    return image


def outlined(labels: np.ndarray, truth: np.ndarray, palette) -> Image.Image:
    """Labels enlarged, with the boundaries of the truth as black lines: what crosses a line is out of place."""
    large = colour(labels, palette).repeat(ZOOM, 0).repeat(ZOOM, 1)
    large[boundary(truth.repeat(ZOOM, 0).repeat(ZOOM, 1))] = 0
    return Image.fromarray(large)


def photo(picture: Picture) -> Image.Image:
    part = Image.fromarray(crop(picture.image, picture.box))
    return part.resize((part.width * ZOOM, part.height * ZOOM), Image.Resampling.BICUBIC)


def gallery_html(summary: Summary, gallery: Gallery) -> str:
    """One block an image, one tile a combination."""
    numbers = {row.name: row.number for row in summary.rows}
    parts: List[str] = []
    for picture in gallery.pictures:
        truth = crop(picture.truth, picture.box)
        size = f'{picture.box[3]}x{picture.box[2]} pixels, {ZOOM} times'
        tiles = [_tile(boxed(picture), 'image, crop marked', 'wide photo'), _tile(photo(picture), f'crop: {size}', 'photo'),
                 _tile(outlined(truth, truth, gallery.palette), 'truth')]
        for name, labels in picture.predictions.items():
            wrong = wrong_share(picture, name, gallery.ignore_index)
            tile = outlined(crop(labels, picture.box), truth, gallery.palette)
            tiles.append(_tile(tile, f'{numbers[name]}  {name}: {wrong:.1f} % wrong', row=name))
        parts.append(f'<h3>Test image {picture.index}</h3><div class="gallery">{"".join(tiles)}</div>')
    patches = ''.join(f'<span class="key"><span class="patch" style="background:rgb{tuple(int(v) for v in rgb)}"></span>'
                      f'{escape(name)}</span>' for name, rgb in zip(gallery.classes, gallery.palette))
    return f'<p class="legend">{patches}</p>' + ''.join(parts)


def _tile(picture: Image.Image, caption: str, cls: str = '', row: str = '') -> str:
    wide = ' wide' if 'wide' in cls else ''
    photo_class = ' class="photo"' if 'photo' in cls else ''
    data = f' data-row="{escape(row)}"' if row else ''
    return (f'<figure class="series{wide}"{data}><img{photo_class} alt="{escape(caption)}" src="{data_uri(picture)}">'
            f'<figcaption>{escape(caption)}</figcaption></figure>')
