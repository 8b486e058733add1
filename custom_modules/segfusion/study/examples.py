"""Test images with every combination's prediction, zoomed to where the truth has most boundaries."""
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS

from ..datasets.files import write_whole
from ..deploy import load_segmentor
from ..evaluation.boundaries import class_edges
from ..visualization import inspect
from .plan import Member, Study
from .state import DONE, Folder

Box = Tuple[int, int, int, int]  # top, left, height, width


@dataclass
class Example:
    """One test image; ``box`` is the crop that is enlarged."""
    index: int
    image: np.ndarray  # (H, W, 3) RGB
    truth: np.ndarray  # (H, W)
    box: Box
    predictions: Dict[str, np.ndarray] = field(default_factory=dict)  # combination -> (H, W)


@dataclass
class Gallery:
    examples: List[Example]
    palette: Sequence[Sequence[int]]
    classes: Sequence[str]
    ignore_index: int = 255


def collect(study: Study, configs: Dict[str, Config], out: Path, report: Callable[[str], None]) -> Optional[Gallery]:
    """Predictions of the first finished seed of every combination, on images spread evenly over the test set.

    Predictions are kept beside the member, so a report is cheap to write again. None if there is nothing to show.
    """
    firsts: List[Member] = []
    for members in study.groups.values():  # what was trained elsewhere has scores here, but no weights
        here = [m for m in members if not Folder(out, m.name).record.exists()]
        firsts += [m for m in here if Folder(out, m.name).read().status == DONE][:1]
    if not firsts or not study.images:
        return None
    device = study.measure.get('device') or ('cuda' if torch.cuda.is_available() else 'cpu')
    dataset = DATASETS.build(configs[firsts[0].name].test_dataloader.dataset)
    indices = pick(len(dataset), study.images)
    meta = dataset.metainfo
    gallery = Gallery([], meta['palette'], meta['classes'], getattr(dataset, 'ignore_index', 255))
    for member in firsts:
        arrays = _predictions(member, study, configs[member.name], Folder(out, member.name), indices, device, report)
        for position, index in enumerate(indices):
            if len(gallery.examples) <= position:
                truth = arrays[f'truth{index}']
                gallery.examples.append(Example(index, arrays[f'image{index}'], truth,
                                                window(truth, gallery.ignore_index)))
            example = gallery.examples[position]
            if arrays[f'prediction{index}'].shape == example.truth.shape:  # a member may test at another size
                example.predictions[member.group] = arrays[f'prediction{index}']
    return gallery


def _predictions(member: Member, study: Study, config: Config, folder: Folder, indices: Sequence[int], device: str,
                 report: Callable[[str], None]) -> Dict[str, np.ndarray]:
    checkpoint = folder.tested_checkpoint(study.checkpoint)
    key = f'{folder.read().score_fingerprint} {checkpoint.name} {checkpoint.stat().st_mtime_ns} {list(indices)}'
    path = folder.root / 'images.npz'
    if path.exists():
        with np.load(path) as kept:
            if str(kept['key']) == key:
                return dict(kept)
    report(f'drawing {member.name}')
    config = Config(config.to_dict())
    model = load_segmentor(config, str(checkpoint), device)
    dataset = DATASETS.build(config.test_dataloader.dataset)
    arrays: Dict[str, np.ndarray] = dict(key=np.array(key))
    for index in indices:
        seen, _ = inspect(model, dataset[index])
        arrays.update({f'{name}{index}': seen[name].astype(np.uint8) for name in ('image', 'truth', 'prediction')})
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    write_whole(path, data.getbuffer())
    return arrays


def pick(length: int, wanted) -> List[int]:
    """The indices asked for, or so many of them spread evenly, ends left out."""
    if isinstance(wanted, list):
        return [i for i in wanted if i < length]
    wanted = min(wanted, length)
    return [int((2 * i + 1) * length / (2 * wanted)) for i in range(wanted)]


def window(truth: np.ndarray, ignore_index: int = 255, share: float = 1 / 3) -> Box:
    """The window, a third of the sides, with most boundary pixels; the first of equals. No prediction is looked at."""
    h, w = (min(max(int(side * share), 32), side) for side in truth.shape)
    total = np.zeros((truth.shape[0] + 1, truth.shape[1] + 1), np.int64)
    total[1:, 1:] = class_edges(truth, ignore_index).cumsum(0).cumsum(1)
    counts = total[h:, w:] - total[:-h, w:] - total[h:, :-w] + total[:-h, :-w]
    top, left = np.unravel_index(counts.argmax(), counts.shape)
    return int(top), int(left), h, w


def crop(array: np.ndarray, box: Box) -> np.ndarray:
    top, left, height, width = box
    return array[top:top + height, left:left + width]


def wrong_share(example: Example, group: str, ignore_index: int) -> float:
    """Share of the crop's labelled pixels that the prediction has wrong, in percent."""
    truth, prediction = crop(example.truth, example.box), crop(example.predictions[group], example.box)
    labelled = truth != ignore_index
    return 100. * float((labelled & (truth != prediction)).sum()) / max(int(labelled.sum()), 1)
