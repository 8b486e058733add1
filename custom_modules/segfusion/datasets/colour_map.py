"""Colours for classes that have no published ones, and the way back from colours to classes."""
import csv
import io
from typing import Dict, List, Sequence, Tuple

import numpy as np

Colour = Tuple[int, int, int]


def voc_palette(count: int, first: int = 1) -> List[List[int]]:
    """PASCAL VOC's colours of labels ``first .. first + count - 1``: bits of the label, dealt to R, G and B in turn.

    Label 0 is black; data sets whose nothing is 255 start at 1.
    """
    def colour(label: int) -> List[int]:
        return [sum(((label >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(8)) for channel in range(3)]

    return [colour(label) for label in range(first, first + count)]


def colours_to_labels(mask: np.ndarray, table: Dict[Colour, int], what: str, unknown: int = -1) -> np.ndarray:
    """Class indices of a colour-coded mask.

    Args:
        mask (ndarray): RGB in 0..255, (H, W, 3).
        table (dict): (R, G, B) -> index in 0..255.
        what (str): Name of the mask, for errors.
        unknown (int): Index for colours that the table lacks; negative (default) refuses them.

    Raises:
        ValueError: If the mask is not of colours, or has colours that the table lacks.

    Shape:
        - mask (H, W, 3) -> (H, W), uint8
    """
    if mask.ndim != 3 or mask.shape[2] != 3:
        raise ValueError(f'{what}: expected a mask of colours, shape (height, width, 3), but got {mask.shape}')
    codes = (mask.astype(np.int64) * (1 << 16, 1 << 8, 1)).sum(2)  # (H, W)
    keys = sorted((r << 16 | g << 8 | b, index) for (r, g, b), index in table.items())
    known = np.array([code for code, _ in keys])
    values = np.array([index for _, index in keys], np.uint8)
    place = np.searchsorted(known, codes).clip(max=len(known) - 1)
    label = values[place]
    strange = known[place] != codes
    if strange.any():
        if unknown < 0:
            found, counts = np.unique(codes[strange], return_counts=True)
            shown = ', '.join(f'({c >> 16}, {c >> 8 & 255}, {c & 255}) at {n} pixels'
                              for c, n in zip(found[:5].tolist(), counts.tolist()))
            more = f' and {len(found) - 5} more' if len(found) > 5 else ''
            raise ValueError(f'{what}: {len(found)} colours are in no class: {shown}{more}. Add them to the colours; '
                             '--unknown-colours void ignores them; masks kept as JPEG have lost their colours')
        label[strange] = unknown
    return label


def read_colours(text: str, what: str = 'colours.csv') -> Tuple[List[str], List[List[int]], Dict[Colour, int]]:
    """Names, palette and table of a CSV file with the columns name, r, g, b and, if need be, index.

    Without ``index`` the classes are numbered by row. Rows may share an index, and its first row names the class; index
    255 is ignored.

    Raises:
        ValueError: If columns are missing, colours are no numbers of 0..255 or stand twice, or indices have gaps.
    """
    rows = list(csv.DictReader(io.StringIO(text.lstrip('\ufeff')), skipinitialspace=True))
    rows = [{(k or '').strip().lower(): (v or '') for k, v in row.items()} for row in rows]
    if not rows or not {'name', 'r', 'g', 'b'} <= rows[0].keys():
        there = ', '.join(rows[0]) if rows else 'nothing'
        raise ValueError(f'{what}: expected the columns name,r,g,b (and index, if you like) but found {there}')
    table: Dict[Colour, int] = {}
    first: Dict[int, Tuple[str, Colour]] = {}
    for number, row in enumerate(rows):
        try:
            colour = tuple(int(row[c]) for c in 'rgb')
            index = int(row['index']) if 'index' in row else number
        except ValueError:
            raise ValueError(f'{what}, line {number + 2}: expected whole numbers for r, g, b and index but found '
                             f'{list(row.values())}') from None
        if not all(0 <= c <= 255 for c in (*colour, index)):
            raise ValueError(f'{what}, line {number + 2}: expected numbers of 0..255 but found {colour}, index {index}')
        if colour in table:
            raise ValueError(f'{what}, line {number + 2}: the colour {colour} stands there twice')
        table[colour] = index
        first.setdefault(index, (row['name'].strip(), colour))
    classes: Sequence[int] = sorted(first.keys() - {255})
    if list(classes) != list(range(len(classes))):
        raise ValueError(f'{what}: expected the indices 0..{len(classes) - 1} without gaps but found {list(classes)}')
    return [first[i][0] for i in classes], [list(first[i][1]) for i in classes], table
