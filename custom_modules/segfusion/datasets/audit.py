"""Look at a data set before a training does: files, sizes and label values against classes and heads.

``CheckLabels`` guards every sample of a training, one at a time and where it is loaded. The audit reads some samples at
once, before the first iteration, so it also sees what no single mask shows (masks of 0 and 255 only, a class list that
is one off), and it knows the heads. Both put the same question, :func:`~segfusion.datasets.checks.label_problem`.
"""
import copy
import io
import os
import os.path as osp
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence

import cv2
import numpy as np
from mmcv.transforms import LoadAnnotations as AnyLoadAnnotations
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image, UnidentifiedImageError
from torch import nn

from .checks import few, label_problem, leaf_datasets, loaded_size


@dataclass(frozen=True)
class HeadClasses:
    """What a head can be taught: ``name`` in the model, its number of classes and the label it ignores.

    ``sigmoid`` says that every loss takes a sigmoid, so that one output tells label 1 from label 0; ``inverted``, that
    one of them takes label 0 for the foreground of a single output, as mmseg's ``DiceLoss`` does.
    """
    name: str
    num_classes: int
    ignore_index: int = 255
    class_weights: Optional[int] = None
    sigmoid: bool = False
    inverted: bool = False

    @property
    def labels(self) -> int:
        """How many labels it can be taught."""
        return 2 if self.num_classes == 1 and self.sigmoid else self.num_classes


@dataclass
class Audit:
    """What was seen. ``problems`` stop a training, ``warnings`` do not; each is one sentence.

    ``pixels`` counts the values that the loss will see, over all masks that could be read.
    """
    name: str
    classes: Sequence[str]
    size: int = 0
    looked_at: int = 0
    problems: List[str] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)
    pixels: Counter = field(default_factory=Counter)

    def raise_if_wrong(self) -> None:
        """ValueError with the first problem, and how many more there are."""
        if self.problems:
            more = f' ({len(self.problems) - 1} more: tools/audit_labels.py lists them)' if self.problems[1:] else ''
            raise ValueError(self.problems[0] + more)

    def table(self) -> str:
        """Share of every class in the pixels of the sample."""
        total = max(sum(self.pixels.values()), 1)
        rows = [(str(i), name, self.pixels[i]) for i, name in enumerate(self.classes)]
        rows += [(str(v), 'ignored' if v == 255 else '?', n) for v, n in sorted(self.pixels.items())
                 if v >= len(self.classes)]
        return '\n'.join(f'  {value:>4}  {name:<20} {pixels / total:8.3%}' for value, name, pixels in rows)


def heads_of(model: nn.Module) -> List[HeadClasses]:
    """Every head in a model that has classes and a loss."""
    heads = []
    for name, module in model.named_modules():
        classes = getattr(module, 'num_classes', None)
        # heads that predict masks with a class each, as MaskFormer's, name the loss of the class otherwise ...
        loss = getattr(module, 'loss_decode', getattr(module, 'loss_cls', None))
        if not isinstance(classes, int) or not isinstance(loss, nn.Module):
            continue
        nothing = 0 if hasattr(module, 'loss_decode') else 1  # ... and have one more, for a mask of nothing
        weights = [len(w) - nothing for w in (getattr(m, 'class_weight', None) for m in loss.modules())
                   if isinstance(w, (list, tuple))]
        odd = next((w for w in weights if w != classes), None)
        losses = [m.use_sigmoid for m in loss.modules() if hasattr(m, 'use_sigmoid')]
        sigmoid = bool(losses) and all(losses)
        dice = any(type(m).__name__ == 'DiceLoss' for m in loss.modules())
        inverted = dice and getattr(module, 'out_channels', classes) == 1
        heads.append(HeadClasses(name, classes, getattr(module, 'ignore_index', 255), odd, sigmoid, inverted))
    return heads


def audit_dataset(dataset: Any, heads: Sequence[HeadClasses] = (), num_samples: int = 32,
                  needs_labels: bool = True) -> List[Audit]:
    """Audit a data set, or each of those in a wrapper.

    Args:
        dataset: Any ``BaseDataset`` of mmseg's form: ``get_data_info`` gives ``img_path`` and ``seg_map_path``.
        heads: What the labels are for.
        num_samples: Masks to read of each data set, evenly spread.
        needs_labels: Whether samples without labels are a problem (in a training they are).
    """
    return [_audit_leaf(leaf, heads, num_samples, needs_labels) for leaf in leaf_datasets(dataset)]


def _audit_leaf(dataset: Any, heads: Sequence[HeadClasses], num_samples: int, needs_labels: bool) -> Audit:
    dataset.full_init()
    classes = dataset.metainfo.get('classes') or ()
    audit = Audit(type(dataset).__name__, classes, len(dataset))
    audit.problems += _empty(dataset) + _heads(audit, heads)
    if not len(dataset) or not classes:
        return audit
    picks = sorted({len(dataset) * i // num_samples for i in range(num_samples)})
    samples = [dataset.get_data_info(i) for i in picks]
    if any('seg_map_path' not in s for s in samples):
        if needs_labels:
            audit.problems.append(f'{audit.name} gives no labels (seg_map_path): set data_prefix=dict(img_path=..., '
                                  'seg_map_path=...)')
        unreadable = [problem for problem in (_image(s, dataset)[1] for s in samples) if problem]
        audit.problems += unreadable[:1]
        return audit
    lost = _lost_files(dataset)
    if lost:
        audit.problems.append(lost)
        return audit
    loader = _loader(dataset)
    wrong: Dict[str, List[str]] = {}
    stored: Counter = Counter()
    for sample in samples:
        kind, sentence, label = _look(sample, loader, audit, heads, dataset)
        audit.looked_at += 1
        if kind:
            wrong.setdefault(kind, []).append(sentence)
        if label is not None:
            values, counts = np.unique(label, return_counts=True)
            audit.pixels.update(dict(zip(values.tolist(), counts.tolist())))
            stored.update(values.tolist())
    audit.problems += [found[0] + (f' ({len(found)} of {len(picks)} samples looked at)' if found[1:] else '')
                       for found in wrong.values()]
    if not wrong:
        _together(audit, dataset, samples[0]['seg_map_path'])
    return audit


def _empty(dataset: Any) -> List[str]:
    if len(dataset):
        return []
    folder = (getattr(dataset, 'data_prefix', None) or {}).get('img_path') or ''
    suffix = getattr(dataset, 'img_suffix', '')
    if not osp.isdir(folder):
        return [f'{type(dataset).__name__} is empty: there is no folder {osp.abspath(folder)}; correct data_root or '
                'data_prefix']
    there = Counter(osp.splitext(name)[1] for _, _, names in os.walk(folder) for name in names)
    seen = ', '.join(f'{n} files *{s}' for s, n in there.most_common(3)) or 'no file at all'
    remedy = f'set img_suffix={there.most_common(1)[0][0]!r}' if there else 'correct data_root or data_prefix'
    return [f'{type(dataset).__name__} is empty: expected images *{suffix} in {osp.abspath(folder)} but found {seen}; '
            f'{remedy}']


def _heads(audit: Audit, heads: Sequence[HeadClasses]) -> List[str]:
    problems, count = [], len(audit.classes)
    for head in heads:
        if head.class_weights is not None:
            problems.append(f'class_weight of a loss of {head.name} has {head.class_weights} entries, but num_classes '
                            f'is {head.num_classes}: write one weight a class')
        if head.inverted:
            problems.append(f'a loss of {head.name} is a DiceLoss of one output, which mmseg compares with label 0 '
                            'instead of 1: leave it out, or use two outputs, out_channels=2')
        if not count or head.labels == count:
            continue
        if head.num_classes == 1:
            problems.append(_one_class(audit, head))
            continue
        text = (f'num_classes of {head.name} is {head.num_classes}, but {audit.name} has {count} classes: set '
                f'num_classes={count} there')
        if head.num_classes < count:
            problems.append(text)
        else:  # legitimate with a label space that is shared with other data
            audit.warnings.append(f'{text}, unless the others are meant to stay unused')
    return problems


def _one_class(audit: Audit, head: HeadClasses) -> str:
    """num_classes=1 is the probability of label 1, against label 0."""
    count = len(audit.classes)
    if count > 2:
        return (f'num_classes of {head.name} is 1, but {audit.name} has {count} classes: set num_classes={count} there')
    if count == 1:
        return (f'num_classes of {head.name} is 1 and {audit.name} names one class, {audit.classes[0]!r}: label 0 is a '
                "class too, and scores need its name; write metainfo=dict(classes=('background', "
                f'{audit.classes[0]!r})) in the data sets')
    return (f'num_classes of {head.name} is 1, but its loss is a softmax, which is constant over one output: set '
            'use_sigmoid=True in loss_decode, or num_classes=2')


def _lost_files(dataset: Any) -> str:
    if getattr(dataset, 'backend_args', None):
        return ''  # remote: only the samples are asked for
    for key, what in (('img_path', 'images'), ('seg_map_path', 'labels')):
        paths = [dataset.get_data_info(i)[key] for i in range(len(dataset))]
        lost = [p for p in paths if not osp.exists(p)]
        if not lost:
            continue
        folder = osp.dirname(lost[0])
        there = Counter(osp.splitext(name)[1] for name in (os.listdir(folder) if osp.isdir(folder) else ()))
        seen = ', '.join(f'{n} files *{s}' for s, n in there.most_common(3)) or 'nothing'
        key = 'seg_map_suffix' if what == 'labels' else 'img_suffix'
        return (f'{len(lost)} of {len(paths)} {what} are missing: {few(lost, 2)}; {osp.abspath(folder)} holds {seen}: '
                f'correct {key}, or complete the data')
    return ''


def _loader(dataset: Any) -> AnyLoadAnnotations:
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    found = next((t for t in transforms if isinstance(t, AnyLoadAnnotations)), None)
    return copy.copy(found) if found is not None else LoadAnnotations()


def _look(sample: dict, loader: AnyLoadAnnotations, audit: Audit, heads: Sequence[HeadClasses], dataset: Any):
    """(kind of problem, sentence, label as the loss sees it) of one sample."""
    path = sample['seg_map_path']
    try:
        with _open(path, dataset) as file:
            mode = file.mode
    except (OSError, SyntaxError) as error:
        return 'unreadable', f'{path}: cannot be read ({type(error).__name__}); copy or download it again', None
    if mode.startswith(('I', 'F')):
        return 'depth', (f'{path}: holds {mode} numbers, and LoadAnnotations keeps the lowest 8 bits of them (256 '
                         'becomes 0); save class indices as 8-bit PNG'), None
    size, unreadable = _image(sample, dataset)
    if unreadable:
        return 'image', unreadable, None
    try:
        label = loader(dict(sample, seg_fields=[]))['gt_seg_map']
    except (OSError, AttributeError, ValueError) as error:
        return 'unreadable', f'{path}: cannot be read ({type(error).__name__}: {error})', None
    note = ' (values after reduce_zero_label: the file has them one higher)' if sample.get('reduce_zero_label') else ''
    ignored = getattr(dataset, 'ignore_index', 255)
    checks = [(head.name, head.labels, head.ignore_index) for head in heads]
    for name, classes, ignore in checks or [('', len(audit.classes), ignored)]:
        problem = label_problem(label, classes, ignore, size and size[::-1])
        if problem:
            who = f' for {name}' if name and label.ndim == 2 else ''
            colours = _colours(label, dataset) if label.ndim == 3 else ''
            return (f'{name}{problem.split(" ")[0]}',
                    f'{path}: {problem}{who}{note}{colours}. Correct the file, or num_classes, label_map, '
                    'reduce_zero_label and ignore_index in the config', None if label.ndim != 2 else label)
    return '', '', label


def _open(path: str, dataset: Any) -> Image.Image:
    return Image.open(io.BytesIO(fileio.get(path, backend_args=getattr(dataset, 'backend_args', None))))


def _image(sample: dict, dataset: Any):
    """(size, sentence if it cannot be read) of the image of a sample; it is decoded, since a header may be whole."""
    path = sample.get('img_path')
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    loader = next((t for t in transforms if isinstance(t, LoadImageFromFile)), None)
    try:
        try:
            with _open(path, dataset) as file:
                file.load()
                return loaded_size(file), ''
        except UnidentifiedImageError:  # a format of its own, e.g. .npy: its loader reads it
            if loader is not None:
                height, width = loader(dict(sample))['img_shape']
                return (width, height), ''
    except (OSError, SyntaxError, ValueError, AssertionError, cv2.error):
        return None, (f'{path}: the image cannot be read (empty, cut off, or of another format); copy or download it '
                      'again')
    return None, ''


def _colours(label: np.ndarray, dataset: Any) -> str:
    palette = {tuple(c) for c in dataset.metainfo.get('palette') or ()}
    seen = np.unique(label.reshape(-1, label.shape[-1])[:, :3], axis=0)
    known = sum(tuple(c.tolist()) in palette or tuple(c.tolist()[::-1]) in palette for c in seen)
    return f'; {known} of its {len(seen)} colours are in the palette of {type(dataset).__name__}'


def _together(audit: Audit, dataset: Any, example: str) -> None:
    """What only all masks together show."""
    ignored, count = getattr(dataset, 'ignore_index', 255), len(audit.classes)
    seen = {v for v in audit.pixels if v != ignored}
    reduced = getattr(dataset, 'reduce_zero_label', False)
    if not seen:
        remedy = ('reduce_zero_label=True hides label 0, set it to False' if reduced else
                  'correct the files or label_map')
        audit.problems.append(f'{example}: all pixels of all {audit.looked_at} masks looked at are {ignored}, which is '
                              f'ignored: there is nothing to learn; {remedy}')
    elif seen == {0} and ignored in audit.pixels and count > 1 and not reduced:
        audit.problems.append(f'{example}: the {audit.looked_at} masks looked at hold 0 and {ignored} only, and '
                              f'{ignored} is ignored, so nothing but {audit.classes[0]!r} would be learnt; if '
                              f'{ignored} is the second class, save it as 1')
    elif len(seen) == 1 and count > 1:
        audit.warnings.append(f'the {audit.looked_at} masks looked at hold one class only: {seen}')
    elif reduced and count > 1 and max(seen) == count - 2:
        audit.warnings.append('reduce_zero_label=True ignores label 0 and leaves nothing for the last class, '
                              f'{audit.classes[-1]!r}: set it to False if label 0 is a class')
    elif not reduced and 0 not in seen and count > 1 and seen == set(range(1, count)):
        audit.warnings.append(f'label 0 ({audit.classes[0]!r}) does not occur: are the labels one too high?')
