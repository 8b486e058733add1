"""Everything about one sample side by side: what went in, what came out, and what the parts decided on the way."""
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image
from torch import Tensor

from .canvas import Cell, below, class_legend, colour, fitted, heat, tile
from .flow import draw_arrows, draw_offset, with_wheel
from .maps import draw_boundary_errors, draw_changes, draw_errors

READ = 'where positions read'
SHOW = ('prediction', 'entropy', 'boundary', 'change', 'offset', 'arrows', 'gate')


def draw_panel(arrays: Dict[str, np.ndarray],
               maps: Dict[str, Tensor],
               palette: Sequence[Sequence[int]],
               classes: Sequence[str],
               ignore_index: int = 255,
               min_height: int = 240,
               show: Optional[Sequence[str]] = None,
               band: int = 5) -> Image.Image:
    """Put everything of one sample side by side, with captions and legends.

    Args:
        arrays, maps: See :func:`~.look.inspect`.
        palette, classes, ignore_index, min_height, show, band: See :func:`draw_cells`.
    """
    cells = draw_cells(arrays, maps, palette, ignore_index, min_height, show, band)
    text = max(13, cells[0].image.shape[0] // 22)
    arrows = next((i for i, cell in enumerate(cells) if READ in cell.title), 0)
    if 'offset' in (show or SHOW) and arrows and not arrows % 2:  # a field and its arrows stay side by side
        cells.insert(arrows - 1, Cell('', np.full_like(cells[0].image, 255)))
    grid = tile(cells, 3 if len(cells) in (3, 5, 6, 9) else 4, text)
    if show is not None and not {'prediction', 'change'} & set(show):
        return grid
    return below(grid, class_legend([*palette, (0, 0, 0)], [*classes, 'ignored'], grid.width, text))


def draw_beside(first: Tuple[Dict[str, np.ndarray], Dict[str, Tensor]],
                second: Tuple[Dict[str, np.ndarray], Dict[str, Tensor]],
                names: Tuple[str, str],
                palette: Sequence[Sequence[int]],
                classes: Sequence[str],
                **kwargs) -> Image.Image:
    """Two networks on one sample: what the first one says, below it everything about the second.

    Args:
        first, second: See :func:`~.look.inspect`.
        names: What the captions call them.
        palette, classes: As in :func:`draw_panel`.
        **kwargs: Of :func:`draw_cells`, for the second.
    """
    cells = draw_cells(*first, palette, **dict(kwargs, show=('prediction', )))
    own = [cell for cell in draw_cells(*second, palette, **kwargs) if cell.title not in ('image', 'truth')]  # once
    for part, name in (cells, names[0]), (own, names[1]):
        part[:] = [cell._replace(title=f'{name}, {cell.title}') if cell.title.startswith(('prediction', 'errors'))
                   else cell for cell in part]
    text = max(13, cells[0].image.shape[0] // 22)
    grid = tile(cells + own, len(cells), text)
    return below(grid, class_legend([*palette, (0, 0, 0)], [*classes, 'ignored'], grid.width, text))


def draw_cells(arrays: Dict[str, np.ndarray],
               maps: Dict[str, Tensor],
               palette: Sequence[Sequence[int]],
               ignore_index: int = 255,
               min_height: int = 240,
               show: Optional[Sequence[str]] = None,
               band: int = 5) -> List[Cell]:
    """The images of a panel.

    Args:
        arrays, maps: See :func:`~.look.inspect`.
        palette: RGB of every class.
        ignore_index: Drawn black in the truth and grey in the errors.
        min_height: Smaller images are enlarged by a whole factor, to at least this many pixels.
        show: Which of ``SHOW``. Defaults to all for which there is something to draw.
        band: Width of the band of boundary errors on either side of a boundary, in pixels.

    Raises:
        ValueError: If ``show`` names something unknown.
    """
    show = SHOW if show is None else show
    unknown = [name for name in show if name not in SHOW]
    if unknown:
        raise ValueError(f'cannot show {unknown}: expected some of {SHOW}')
    zoom = max(-(-min_height // arrays['image'].shape[0]), 1)
    arrays = {name: array.repeat(zoom, axis=0).repeat(zoom, axis=1) for name, array in arrays.items()}
    image, prediction = arrays['image'], arrays['prediction']
    truth, before = arrays.get('truth'), arrays.get('before')
    size, cells = image.shape[:2], [Cell('image', image)]
    if 'prediction' in show:
        if truth is not None:
            cells.append(Cell('truth', colour(truth, palette)))
        cells.append(Cell('prediction', colour(prediction, palette)))
        if truth is not None:
            drawing, wrong = draw_errors(truth, prediction, ignore_index)
            cells.append(Cell(f'errors: {wrong:.1f} % of labelled pixels', drawing))
    if 'entropy' in show and 'entropy' in arrays:
        cells.append(Cell('entropy', heat(arrays['entropy']), ('0', '1')))
    if 'boundary' in show and truth is not None:
        drawing, wrong = draw_boundary_errors(image, truth, prediction, ignore_index, band * zoom)
        cells.append(Cell(f'within {band} px of a boundary: {wrong:.1f} % wrong (red)', drawing))
    if 'change' in show and before is not None:
        cells.append(Cell('prediction before refinement', colour(before, palette)))
        drawing, amount = draw_changes(image, before, prediction, truth, ignore_index)
        cells.append(Cell(amount, drawing))
    for name, value in maps.items():
        module, kind = _split(name)
        if kind == 'offset':
            fields = value[0].split(2)
            for i, field in enumerate(fields):
                cells += _offset_cells(module + (f' field {i + 1}' if len(fields) > 1 else ''), field, image, show)
        elif 'gate' in show and kind in ('gate', 'response'):
            cells.append(_gate_cell(module, kind, value[0], size))
    return cells


def _split(name: str):
    """'decode_head.fusions.0.coarse.gate' is the gate of 'decode_head.fusions.0 coarse'."""
    *path, kind = name.split('.')
    module = '.'.join(part for part in path if part not in ('decode_head', 'coarse', 'fine'))
    side = ' '.join(part for part in path if part in ('coarse', 'fine'))
    return f'{module} {side}'.strip(), kind


def _offset_cells(name: str, field: Tensor, image: np.ndarray, show: Sequence[str]) -> List[Cell]:
    cells, grid = [], '{}x{}'.format(*field.shape[1:])
    drawing, longest = draw_offset(field)
    if 'offset' in show:
        drawing = with_wheel(fitted(drawing, image.shape[:2]).copy())
        cells.append(Cell(f'{name} offset, {grid}: full colour {longest:.2g} px', drawing))
    if 'arrows' in show:
        arrows, factor = draw_arrows(image, field)
        cells.append(Cell(f'{name}: {READ}' + (f', arrows x{factor:g}' if factor != 1 else ''), arrows))
    return cells


def _gate_cell(name: str, kind: str, value: Tensor, size) -> Cell:
    value = value.float()
    many = f', mean of {len(value)}' if len(value) > 1 else ''
    grid = '{}x{}'.format(*value.shape[1:])
    if kind == 'gate':
        mean, high = value.mean(0), 1.
    else:
        mean = value.abs().mean(0)
        high = max(mean.max().item(), 1e-12)
    drawing = fitted(heat((mean / high).cpu().numpy()), size)
    return Cell(f'{name} {kind}, {grid}{many}', drawing, ('0', f'{high:.2g}'))
