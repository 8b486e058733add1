"""Colour-coded masks: any with a list of their colours, and CamVid's."""
import io
from pathlib import Path
from typing import Dict, List, Optional, Union

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..camvid import COLOURS32, TO_11, VOID, VOID32
from ..checks import few, pair
from ..colour_map import Colour, colours_to_labels, read_colours
from .run import Recipe, Sample
from .source import Source

IMAGES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif')


def _rgb(source: Source, name: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(source.read(name))) as file:
            return np.asarray(file.convert('RGB'))
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(f'{name}: the mask cannot be read ({type(error).__name__}); download it again') from None


def _unknown(unknown_colours: str, void: int) -> int:
    if unknown_colours not in ('refuse', 'void'):
        raise ValueError(f"expected unknown_colours 'refuse' or 'void' but got {unknown_colours!r}")
    return void if unknown_colours == 'void' else -1


def camvid_split(stem: str) -> str:
    """The split of SegNet's authors (and of almost all papers since), from the name of a frame."""
    sequence, _, frame = stem.partition('_')
    number = int(''.join(c for c in frame if c.isdigit()) or -1)
    if sequence == 'Seq05VD' or (sequence == '0001TP' and number >= 8550):
        return 'test'
    if sequence == '0016E5' and 7959 <= number <= 8159:
        return 'val'
    if sequence in ('0001TP', '0006R0', '0016E5'):
        return 'train'
    raise ValueError(f'{stem}: expected a frame of 0001TP, 0006R0, 0016E5 or Seq05VD; is that CamVid?')


def camvid(source: Source, unknown_colours: str = 'refuse') -> List[Sample]:
    """Frames NAME.png and masks NAME_L.png, 720x960, as published; indices of 32 and of 11 classes."""
    unknown = _unknown(unknown_colours, VOID32)
    masks = {n.split('/')[-1][:-len('_L.png')]: n for n in source.some('*_L.png')}
    images = {n.split('/')[-1][:-len('.png')]: n for n in source.some('*.png') if not n.endswith('_L.png')}
    table: Dict[Colour, int] = {tuple(colour): i for i, (_, colour) in enumerate(COLOURS32)}

    def sample(image: str, mask: str) -> Sample:
        stem = image.split('/')[-1][:-len('.png')]
        split = camvid_split(stem)

        def label32() -> np.ndarray:
            return colours_to_labels(_rgb(source, mask), table, mask, unknown)

        return Sample(split, f'images/{split}/{stem}.png', lambda: source.read(image),
                      {f'labels32/{split}/{stem}.png': label32,
                       f'labels11/{split}/{stem}.png': lambda: TO_11[label32()]}, source.path(image))

    root = str(source.root)
    samples = [sample(*both) for both in pair(images, masks, root, root, source.remedy)]
    return sorted(samples, key=lambda s: s.image)


def coloured(source: Source, colours: Optional[Union[str, Path]] = None,
             unknown_colours: str = 'refuse') -> List[Sample]:
    """Folders ``images`` and ``masks`` with the same names, in splits (``images/train``) or not."""
    if colours is None:
        raise ValueError('expected --colours colours.csv, with the columns name,r,g,b and, if need be, index (255: '
                         'ignored)')
    names, _, table = read_colours(Path(colours).read_text(), str(colours))
    unknown = _unknown(unknown_colours, 255)

    def below(folder: str) -> Dict[str, str]:
        found: Dict[str, str] = {}
        for name in source.find('*'):
            head, mark, rest = ('/' + name).partition(f'/{folder}/')
            if mark and rest.lower().endswith(IMAGES):
                stem = rest.rsplit('.', 1)[0]
                if stem in found:
                    raise ValueError(f'{found[stem]} and {name} have the same name: expected one file; remove one')
                found[stem] = name
        if not found:
            raise FileNotFoundError(f'expected images in a folder {folder}/ in {source.root.absolute()} but there are '
                                    f'none. {source.remedy}')
        return found

    def sample(image: str, mask: str) -> Sample:
        inner = ('/' + image).partition('/images/')[2]
        split = inner.split('/')[0] if '/' in inner else 'train'
        target = inner if '/' in inner else f'train/{inner}'
        return Sample(split, f'images/{target}', lambda: source.read(image),
                      {f'labels/{target.rsplit(".", 1)[0]}.png':
                       lambda: colours_to_labels(_rgb(source, mask), table, mask, unknown)}, source.path(image))

    images, masks = below('images'), below('masks')
    if len(names) > 255:
        raise ValueError(f'expected at most 255 classes but found {len(names)}: {few(names)}')
    return [sample(*both) for both in pair(images, masks, 'images', 'masks', source.remedy)]


CAMVID = Recipe(
    title='CamVid, 720x960',
    licence='none stated; the authors ask to be cited (Brostow et al., ECCV 2008 and Pattern Recognition Letters 2009)',
    where='701_StillsRaw_full.zip and LabeledApproved_full.zip are on the page "Cambridge-driving Labeled Video '
          'Database" of the University of Cambridge (mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid)',
    samples=camvid,
    counts=dict(train=367, val=101, test=233),
    classes=dict(labels32=VOID32, labels11=VOID))

COLOURS = Recipe(
    title='masks of colours',
    licence='yours',
    where='expected images/ and masks/ with files of the same names, below each other folders for the splits if you '
          'like: images/train/a.jpg, masks/train/a.png',
    samples=coloured)
