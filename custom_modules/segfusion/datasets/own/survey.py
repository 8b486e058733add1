"""Look at every pair of image and truth, and name all that do not fit."""
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..checks import few, loaded_size, require_folder, stems
from ..files import progress
from .truth import SUFFIXES


@dataclass
class Survey:
    """What all pairs hold: files by name, sizes (width, height) and pixels of every value, by name."""
    folder: Path
    images: Dict[str, str]
    truth: Any
    sizes: Dict[str, Tuple[int, int]] = field(default_factory=dict)
    pixels: Dict[str, Dict[int, int]] = field(default_factory=dict)
    colours: Dict[str, Dict[int, int]] = field(default_factory=dict)  # of every colour, unless 16-bit or polygons
    kinds: Counter = field(default_factory=Counter)
    palettes: Dict[int, Set[int]] = field(default_factory=dict)  # value -> colours it has in palettes
    unpaired: List[str] = field(default_factory=list)

    @property
    def suffixes(self) -> Tuple[str, ...]:
        return tuple(sorted({name[len(stem):] for stem, name in self.images.items()}))

    def total(self, colours: bool = False) -> Counter:
        total: Counter = Counter()
        for pixels in (self.colours if colours else self.pixels).values():
            total.update(pixels)
        return total


def survey(images: Path, truth: Any, image_suffix: Optional[str] = None, skip_unpaired: bool = False) -> Survey:
    """Read all pairs.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: With all that is wrong: files without partner, files that cannot be read, sizes that differ.
    """
    require_folder(str(images), 'images', 'Pass the folder of the images first, then the masks.')
    if not image_suffix and getattr(truth, 'folder', None) and images.resolve() == truth.folder.resolve() and (
            truth.labels is None):
        raise ValueError(f'images and masks are both in {images}: say which are which, e.g. --image-suffix .jpg '
                         '--mask-suffix _mask.png')
    both = [s.upper() for s in SUFFIXES]
    found = stems(str(images), (image_suffix, ) if image_suffix else (*SUFFIXES, *both))
    seen = Survey(images, {}, truth)
    problems = _partners(seen, found, skip_unpaired)
    unreadable, differ = [], []
    pairs = sorted(found.keys() & truth.files.keys())
    for stem in progress(pairs, 'looking at all pairs', quiet=len(pairs) < 20):
        seen.images[stem] = found[stem]
        try:
            size = image_size(images / found[stem])
        except (OSError, SyntaxError, ValueError) as error:
            unreadable.append(f'{images / found[stem]} ({_reason(error)})')
            continue
        try:
            one = truth.read(stem, size)
        except (OSError, SyntaxError, ValueError, KeyError) as error:
            unreadable.append(f'{truth.path(stem)} ({_reason(error)})')
            continue
        if one.values.shape != size[::-1]:
            differ.append(f'{stem}: image {size[0]}x{size[1]}, truth {one.values.shape[1]}x{one.values.shape[0]}')
            continue
        values, counts = np.unique(one.values, return_counts=True)
        seen.sizes[stem] = size
        seen.pixels[stem] = dict(zip(values.tolist(), counts.tolist()))
        seen.kinds[one.kind] += 1
        if one.kind not in ('wide', 'polygon'):
            colours: Counter = Counter()  # a palette may hold a colour twice
            for colour, count in zip(one.colours(values).tolist(), counts.tolist()):
                colours[colour] += count
            seen.colours[stem] = dict(colours)
        if one.kind == 'palette':
            for value, colour in zip(values.tolist(), one.colours(values).tolist()):
                seen.palettes.setdefault(value, set()).add(colour)
    if unreadable:
        problems.append(f'{len(unreadable)} files cannot be used: {few(unreadable)}. Correct them, or copy them again')
    if differ:
        problems.append(f'{len(differ)} pairs differ in size (width x height): {few(differ)}. A mask has the size of '
                        'its image; resize masks with nearest neighbours only')
    if problems:
        raise ValueError('\n'.join(problems))
    if not seen.images:
        raise ValueError(f'found no pair of an image in {images} and a mask of the same name')
    return seen


def _partners(seen: Survey, images: Dict[str, str], skip: bool) -> List[str]:
    masks, problems = seen.truth.files, []
    if not images:
        return [f'found no images ({", ".join(SUFFIXES)}) in {seen.folder}']
    if not masks:
        return ['found no masks, no LabelMe files and no annotated images']
    for some, others, what in ((images, masks, 'images have no mask'), (masks, images, 'masks have no image')):
        alone = sorted(some.keys() - others.keys())
        if alone and not skip:
            problems.append(f'{len(alone)} of {len(some)} {what}: {few([some[s] for s in alone])}')
        seen.unpaired += [some[s] for s in alone]
    if problems and not images.keys() & masks.keys():
        tails = {name[len(stem):] for stem in images for name in masks.values() if name.startswith(stem)}
        if len(tails) == 1:
            tail = tails.pop()
            return [f'no mask has the name of its image, but all end in {tail}: pass --mask-suffix {tail}']
    return [f'{"; ".join(problems)}. A mask has the name of its image; complete them, or pass --skip-unpaired to leave '
            'these out'] if problems else []


def image_size(path: Path) -> Tuple[int, int]:
    """(width, height) as OpenCV loads it: decoded to the end, and turned as EXIF says."""
    with Image.open(io.BytesIO(path.read_bytes())) as file:
        file.load()
        return loaded_size(file)


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return 'no image, or of an unknown format'
    return f'lacks {error}' if isinstance(error, KeyError) else str(error)
