"""What can be wrong with a data set, said before it becomes a ``nan`` or a device assert."""
import os.path as osp
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

import numpy as np
from mmengine import fileio
from PIL import Image


def label_problem(label: np.ndarray, num_classes: int, ignore_index: int = 255,
                  image_shape: Optional[Sequence[int]] = None) -> Optional[str]:
    """What is wrong with one label map, or None.

    Args:
        label (ndarray): Class indices, as the loss will see them (after ``label_map`` and ``reduce_zero_label``).
        num_classes (int): Allowed are 0 to ``num_classes - 1``,
        ignore_index (int): and this.
        image_shape (sequence, optional): (height, width) of the image the label belongs to.

    Returns:
        str, optional: A sentence with what was expected and what was found.
    """
    if label.ndim < 2:
        return (f'expected a label map of two axes, got shape {label.shape}: LoadAnnotations drops axes of one pixel; '
                'leave out images of one pixel, one row or one column')
    if label.ndim != 2:
        return (f'a label map has one class index a pixel, expected shape (height, width) but got {label.shape}: '
                'colour-coded labels have to be converted to indices first')
    if image_shape is not None and label.shape != tuple(image_shape[:2]):
        return (f'image and label differ in size: the image is {tuple(image_shape[:2])} (height, width), '
                f'the label {label.shape}')
    wrong = (label >= num_classes) & (label != ignore_index)
    if label.dtype.kind != 'u':
        wrong |= label < 0
    if not wrong.any():
        return None
    values, counts = np.unique(label[wrong], return_counts=True)
    found = ', '.join(f'{value} ({count} pixels)' for value, count in zip(values[:10], counts))
    more = f' and {len(values) - 10} more values' if len(values) > 10 else ''
    return (f'expected class indices 0..{num_classes - 1} or {ignore_index} (ignored) but found {found}{more}'
            f'{_hint(set(np.unique(label).tolist()) - {ignore_index}, num_classes)}')


def _hint(values: Set[int], num_classes: int) -> str:
    """What such values usually mean."""
    if values <= {0, 255}:
        return '; a mask drawn as 0 and 255 has to hold 1 instead of 255'
    if min(values) >= 1 and max(values) == num_classes:
        return f'; values 1..{num_classes} are one too high: set reduce_zero_label=True, or subtract 1'
    if max(values) == num_classes:
        return (f'; either num_classes is one too low, or {num_classes} is void and label_map or ignore_index has to '
                'say so')
    return ''


def require_folder(path: str, what: str, remedy: str, backend_args: Optional[dict] = None) -> None:
    """Raise FileNotFoundError with the path and the remedy unless ``path`` is a folder."""
    if not fileio.isdir(path, backend_args=backend_args):
        raise FileNotFoundError(f'expected the {what} in {osp.abspath(path)} but there is no such folder. {remedy}')


def stems(folder: str, suffixes: Tuple[str, ...], backend_args: Optional[dict] = None) -> Dict[str, str]:
    """File name without suffix -> file name, of every file in ``folder`` (recursively) with one of ``suffixes``."""
    found: Dict[str, str] = {}
    for name in sorted(fileio.list_dir_or_file(folder, list_dir=False, suffix=tuple(suffixes), recursive=True,
                                               backend_args=backend_args)):
        stem = name[:-max(len(s) for s in suffixes if name.endswith(s))]
        if stem in found:
            raise ValueError(f'{folder} holds both {found[stem]} and {name}: expected one image a label, '
                             'remove one of the two or pass img_suffix')
        found[stem] = name
    return found


def loaded_size(image: Image.Image) -> Tuple[int, int]:
    """(width, height) of an opened image as OpenCV loads it: EXIF orientations 5 to 8 lie on their side."""
    return image.size[::-1] if image.getexif().get(0x0112, 1) in (5, 6, 7, 8) else image.size


def leaf_datasets(dataset: Any) -> Iterator[Any]:
    """The data sets inside ``ConcatDataset``, ``RepeatDataset``, ``ClassUniformDataset`` and the like, built or config.
    """
    def get(key):
        return dataset.get(key) if isinstance(dataset, dict) else getattr(dataset, key, None)

    inner = get('datasets') or ([get('dataset')] if get('dataset') is not None else [])
    if not inner:
        yield dataset
    for one in inner:
        yield from leaf_datasets(one)


def few(names: Sequence[str], limit: int = 5) -> str:
    """The first names and how many more there are."""
    names = list(names)
    return ', '.join(names[:limit]) + (f' and {len(names) - limit} more' if len(names) > limit else '')


def pair(images: Dict[str, str], labels: Dict[str, str], image_folder: str, label_folder: str,
         remedy: str) -> List[Tuple[str, str]]:
    """(image, label) file names with equal stems; raises ValueError if either is alone or there are none."""
    if not images:
        raise ValueError(f'found no images in {osp.abspath(image_folder)}. {remedy}')
    lonely = sorted(images.keys() - labels.keys())
    if lonely:
        raise ValueError(f'{len(lonely)} of {len(images)} images in {image_folder} have no label in {label_folder}: '
                         f'{few(lonely)}. Expected files with the same name in both; add them or remove the images')
    lonely = sorted(labels.keys() - images.keys())
    if lonely:
        raise ValueError(f'{len(lonely)} of {len(labels)} labels in {label_folder} have no image in {image_folder}: '
                         f'{few(lonely)}. Is the download complete, and does img_suffix name the images\' suffix?')
    return [(images[stem], labels[stem]) for stem in sorted(images)]
