"""Dense CRF post-processing of saved predictions, a folder at a time."""
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
from PIL import Image

from ..datasets.files import progress
from .post_process import dense_crf

IMAGES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif', '.tiff')
ARRAYS = ('.npy', '.npz')
VOID = 255


@dataclass
class Refined:
    """What happened to one prediction."""
    name: str
    changed: float  # share of the pixels whose class changed
    lost: List[int]  # classes that were there before and are not any more


def refine_folder(images: str, predictions: str, out: str, *, num_classes: Optional[int] = None,
                  certainty: float = 0.7, logits: Optional[bool] = None, draw: bool = True,
                  **kwargs) -> List[Refined]:
    """Refine every prediction in a folder with the image of the same name.

    Predictions are arrays (C, H, W), ``.npy`` or the first one of ``.npz``, or label maps, ``.png``. Refined label
    maps go to ``out``, images of what changed (image, before, after, the changed pixels on grey) to ``out/changed``.

    Args:
        images (str): Folder of the images.
        predictions (str): Folder of the predictions.
        out (str): Folder to write to.
        num_classes (int, optional): Needed for label maps.
        certainty (float): Probability that the label of a label map is right; the rest is shared by the other classes.
            Pixels of label 255 could be anything. Defaults to 0.7.
        logits (bool, optional): Whether arrays hold logits. Defaults to None: they do unless they add up to one.
        draw (bool): Whether to draw what changed. Defaults to True.
        **kwargs: Of :func:`dense_crf`.

    Raises:
        ValueError: If a prediction has no image, their sizes differ, or labels exceed ``num_classes``.
    """
    found = sorted(p for p in Path(predictions).iterdir() if p.suffix.lower() in ARRAYS + ('.png', ))
    known: Dict[str, Path] = {p.stem: p for p in Path(images).iterdir() if p.suffix.lower() in IMAGES}
    if not found:
        raise ValueError(f'expected .npy, .npz or .png predictions in {predictions}, found none')
    alone = [p.name for p in found if p.stem not in known]
    if alone:
        raise ValueError(f'{len(alone)} of {len(found)} predictions have no image of the same name in {images}, '
                         f'e.g. {alone[0]}; names must agree up to the suffix')
    labels, changes = Path(out), Path(out) / 'changed'
    if labels.resolve() == Path(predictions).resolve():
        raise ValueError(f'{out} is the folder of the predictions; label maps would replace them')
    labels.mkdir(parents=True, exist_ok=True)
    if draw:
        changes.mkdir(exist_ok=True)
    report = []
    for path in progress(found, f'refining {predictions}'):
        image = np.array(Image.open(known[path.stem]).convert('RGB'))
        scores, before, are_logits = _read(path, num_classes, certainty, logits)
        if scores.shape[1:] != image.shape[:2]:
            raise ValueError(f'{path.name} is {scores.shape[1]}x{scores.shape[2]}, its image '
                             f'{image.shape[0]}x{image.shape[1]}; resize the prediction first')
        after = dense_crf(image, scores, logits=are_logits, **kwargs).argmax(0).astype(label_dtype(len(scores)))
        Image.fromarray(after).save(labels / f'{path.stem}.png')
        if draw:
            Image.fromarray(draw_change(image, before, after)).save(changes / f'{path.stem}.png')
        lost = sorted(set(np.unique(before).tolist()) - set(np.unique(after).tolist()) - {VOID})
        report.append(Refined(path.stem, float((before != after).mean()), lost))
    return report


def draw_change(image: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Image, classes before, classes after, and the new class of changed pixels on the grey image, side by side."""
    colours = voc_palette(max(256, int(before.max()) + 1, int(after.max()) + 1))
    grey = np.repeat((image.mean(2, keepdims=True) / 2 + 100).astype(np.uint8), 3, 2)
    changed = np.where((before != after)[..., None], colours[after], grey)
    gap = np.full((image.shape[0], 4, 3), 255, np.uint8)
    return np.concatenate([image, gap, colours[before], gap, colours[after], gap, changed], 1)


def label_dtype(num_classes: int) -> type:
    """What a label map of so many classes is saved as: a PNG of 8 bits as long as they suffice, else of 16."""
    if num_classes > 2**16:
        raise ValueError(f'expected at most {2**16} classes, which a PNG of 16 bits holds, got {num_classes}')
    return np.uint8 if num_classes <= 2**8 else np.uint16


def voc_palette(count: int = 256) -> np.ndarray:
    """Colours that differ most where class numbers differ in their lowest bits, as in PASCAL VOC, (count, 3)."""
    number = np.arange(count)[:, None]
    colour = np.zeros((count, 3), np.int64)
    for i in range(8):
        colour |= ((number >> (3 * i + np.arange(3))) & 1) << (7 - i)
    return colour.astype(np.uint8)


def _read(path: Path, num_classes: Optional[int], certainty: float, logits: Optional[bool]):
    """(scores, labels before, whether the scores are logits) of one file."""
    if path.suffix.lower() == '.png':
        label = np.array(Image.open(path))
        if num_classes is None or num_classes < 2:
            raise ValueError(f'{path.name} is a label map: say how many classes there are (num_classes, at least 2)')
        if label.ndim != 2 or (label[label != VOID] >= num_classes).any():
            raise ValueError(f'{path.name}: expected labels (H, W) below {num_classes} or {VOID}, got values up to '
                             f'{label.max()} of shape {label.shape}')
        scores = np.full((num_classes, *label.shape), (1 - certainty) / (num_classes - 1), np.float32)
        sure = label != VOID
        scores[label[sure], sure.nonzero()[0], sure.nonzero()[1]] = certainty
        scores[:, ~sure] = 1 / num_classes
        return scores, label, False
    scores = np.load(path)
    scores = scores if isinstance(scores, np.ndarray) else scores[scores.files[0]]
    if scores.ndim != 3 or not np.issubdtype(scores.dtype, np.floating):
        raise ValueError(f'{path.name}: expected floating point scores (C, H, W), got {scores.dtype} {scores.shape}')
    if logits is None:
        logits = scores.min() < 0 or abs(scores.sum(0, dtype=np.float64) - 1).max() > 1e-2
    return scores.astype(np.float32), scores.argmax(0), bool(logits)
