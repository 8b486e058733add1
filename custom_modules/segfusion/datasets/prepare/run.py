"""From a download to the layout that the configs expect: whole, or not there."""
import io
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from ..checks import few
from ..files import progress, write_whole
from .source import Source

MANIFEST = 'prepared.json'
MAKING = '.partial'  # a folder of this ending is continued, never used


@dataclass(frozen=True)
class Sample:
    """One image and its label maps, read when they are written.

    ``image`` and the keys of ``labels`` are paths below the result; ``read`` gives the bytes of an image file, or RGB
    pixels (H, W, 3) to be stored as PNG; ``origin`` is where an image file lies, if it is in no archive.
    """
    split: str
    image: str
    read: Callable[[], Union[bytes, np.ndarray]]
    labels: Dict[str, Callable[[], np.ndarray]]
    origin: Optional[Path] = None


@dataclass(frozen=True)
class Recipe:
    """How one data set is prepared.

    ``counts`` are the published numbers of images a split, ``checksums`` MD5 sums of files where their makers or those
    who use them publish them, ``classes`` the number of classes of each folder of labels (for median-frequency
    weights), ``files`` texts that stand beside the images.
    """
    title: str
    licence: str
    where: str
    samples: Callable[..., List[Sample]]
    counts: Dict[str, int] = field(default_factory=dict)
    checksums: Dict[str, str] = field(default_factory=dict)
    classes: Dict[str, int] = field(default_factory=dict)
    files: Optional[Callable[[List[Sample]], Dict[str, str]]] = None


def prepare(name: str, recipe: Recipe, src: Union[str, Path], dst: Union[str, Path], any_count: bool = False,
            link: bool = False, quiet: bool = False, **options: Any) -> Dict[str, Any]:
    """Prepare one data set.

    Everything is written below ``DST.partial``, which is renamed to ``dst`` when it is whole and the manifest
    ``prepared.json`` is in it. A run that was cut off is continued by the same command.

    Args:
        name (str): Name of the data set, for the manifest.
        recipe (Recipe): How it is read.
        src (str or Path): Folder with what was downloaded, packed or not; or one archive.
        dst (str or Path): The new folder.
        any_count (bool): Take what is there, neither counted nor compared with checksums.
        link (bool): Link images that lie unpacked in ``src`` instead of copying them.
        quiet (bool): No progress.
        options: For the recipe.

    Returns:
        dict: The manifest; with ``already=True`` if ``dst`` was whole before.

    Raises:
        FileExistsError: If ``dst`` holds anything else.
        FileNotFoundError, ValueError: If the download lacks something, is damaged, or is something else.
    """
    dst = Path(os.path.abspath(dst))
    if (dst / MANIFEST).exists():
        known = json.loads((dst / MANIFEST).read_text())
        if known['name'] != name:
            raise FileExistsError(f'{dst} holds {known["name"]}, prepared before; choose another folder for {name}')
        return dict(known, already=True)
    if dst.exists() and (not dst.is_dir() or any(dst.iterdir())):
        raise FileExistsError(f'{dst} exists and was not made by this command; nothing is overwritten: choose another '
                              'folder, or move it away')
    source = Source(src, f'{recipe.title}: {recipe.where}')
    if not any_count:
        _checksums(recipe, source)
    samples = recipe.samples(source, **options)
    seen = Counter(sample.split for sample in samples)
    if not samples:
        raise ValueError(f'{src} holds no image of {recipe.title}. {recipe.where}')
    if recipe.counts and seen != recipe.counts and not any_count:
        raise ValueError(f'expected {_numbers(recipe.counts)} of {recipe.title} but found {_numbers(seen)}: is the '
                         'download whole? --any-count takes what is there')
    making = dst.with_name(dst.name + MAKING)
    request = dict(name=name, counts=dict(seen))
    _start(making, request)
    statistics = {folder: np.zeros((2, n), np.int64) for folder, n in recipe.classes.items()}
    for sample in progress(samples, f'preparing {recipe.title} in {making}', quiet):
        _write(sample, making, link, statistics)
    for path, text in (recipe.files(samples) if recipe.files else {}).items():
        (making / path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(making / path, text)
    for folder, pixels in statistics.items():
        write_whole(making / f'{folder}_median_frequency.json', json.dumps(median_frequency(pixels)))
    manifest = dict(request, title=recipe.title, licence=recipe.licence, source=str(Path(src).absolute()))
    write_whole(making / MANIFEST, json.dumps(manifest, indent=2))
    (making / 'preparing.json').unlink()
    if dst.exists():
        dst.rmdir()  # empty
    os.rename(making, dst)
    return manifest


def median_frequency(pixels: np.ndarray) -> List[float]:
    """SegNet's class weights: median over the classes of the frequency, by the frequency.

    The frequency of a class is its pixels divided by all labelled pixels of the images it is in (Eigen and Fergus,
    `arXiv:1411.4734 <https://arxiv.org/abs/1411.4734>`_). A class that never occurs has weight 0.

    Args:
        pixels (ndarray): (2, classes): pixels of each class; labelled pixels of the images it is in.
    """
    there = pixels[0] > 0
    frequency = pixels[0][there] / pixels[1][there]
    weights = np.zeros(pixels.shape[1])
    if there.any():
        weights[there] = np.median(frequency) / frequency
    return [round(w, 4) for w in weights.tolist()]


def _checksums(recipe: Recipe, source: Source) -> None:
    for basename, expected in recipe.checksums.items():
        got = source.md5(basename)
        if got is not None and got != expected:
            raise ValueError(f'{basename} has MD5 {got}, expected {expected}: download it again; --any-count takes it '
                             'as it is')


def _numbers(counts: Dict[str, int]) -> str:
    return ', '.join(f'{n} images of {split}' for split, n in sorted(counts.items())) or 'none'


def _start(making: Path, request: Dict[str, Any]) -> None:
    making.mkdir(parents=True, exist_ok=True)
    note = making / 'preparing.json'
    if note.exists():
        before = json.loads(note.read_text())
        if before != request:
            raise FileExistsError(f'{making} was begun for {before}, not for {request}: finish that, or move the '
                                  'folder away')
    elif any(making.iterdir()):
        raise FileExistsError(f'{making} was not begun by this command; move it away')
    else:
        write_whole(note, json.dumps(request))


def _write(sample: Sample, folder: Path, link: bool, statistics: Dict[str, np.ndarray]) -> None:
    image = folder / sample.image
    size = _image(sample, image, link)
    for target, read in sample.labels.items():
        path = folder / target
        if path.exists():  # whole, or it would not have its name
            label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        else:
            label = read()
            if label.ndim != 2 or label.shape != size:
                raise ValueError(f'{sample.image}: image and label differ in size: the image is {size} (height, '
                                 f'width), the label {label.shape}; are the files of one release?')
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, cv2.imencode('.png', label.astype(np.uint8))[1].tobytes())
        table = statistics.get(target.split('/')[0])
        if table is not None and sample.split == 'train':
            count = np.bincount(label.ravel(), minlength=256)[:table.shape[1]]
            table += [count, (count > 0) * count.sum()]


def _image(sample: Sample, path: Path, link: bool) -> Tuple[int, int]:
    """Write an image unless it is there; its (height, width)."""
    if path.exists():
        with Image.open(path) as file:
            return file.size[::-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    data = sample.read()
    if isinstance(data, np.ndarray):
        if data.ndim != 3 or data.shape[2] != 3:
            raise ValueError(f'{sample.image}: expected pixels of shape (height, width, 3) but got {data.shape}')
        write_whole(path, cv2.imencode('.png', data[..., ::-1])[1].tobytes())  # cv2 writes BGR
        return data.shape[:2]
    try:
        with Image.open(io.BytesIO(data)) as file:
            size = file.size[::-1]
    except UnidentifiedImageError:
        raise ValueError(f'{sample.image}: the image cannot be read (empty, cut off, or of another format); download '
                         'it again') from None
    if link and sample.origin is not None:
        path.symlink_to(sample.origin.absolute())
    else:
        write_whole(path, data)
    return size


def lookup(label: np.ndarray, table: np.ndarray, what: str) -> np.ndarray:
    """``table[label]``; ValueError names the values that it does not know."""
    if label.dtype.kind not in 'iu':
        raise ValueError(f'{what}: expected whole numbers as labels but got {label.dtype}')
    wrong = (label < 0) | (label >= len(table))
    if wrong.any():
        raise ValueError(f'{what}: expected labels 0..{len(table) - 1} but found '
                         f'{few([str(v) for v in np.unique(label[wrong])])}; are the files of one release?')
    return table[label]


def one_lower(count: int) -> np.ndarray:
    """0 (nothing) to 255, 1..count to 0..count - 1."""
    return np.concatenate([[255], np.arange(count)]).astype(np.uint8)


def by_split(pairs: Dict[str, str], listed: Dict[str, List[str]], what: str) -> List[Tuple[str, str, str]]:
    """(split, name, pairs[name]) in the order of the lists; ValueError if a list names what is not there."""
    missing = [name for names in listed.values() for name in names if name not in pairs]
    if missing:
        raise ValueError(f'{len(missing)} {what} are listed but not there: {few(missing)}; is the download whole?')
    return [(split, name, pairs[name]) for split, names in listed.items() for name in names]
