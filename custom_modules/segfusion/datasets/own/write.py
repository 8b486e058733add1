"""The files that are made: label maps, lists of names and two configs."""
import io
import os
from pathlib import Path
from textwrap import fill
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from PIL import Image

from ..files import progress, write_whole
from .legend import Legend
from .survey import Survey

LARGEST_CROP, SMALLEST_CROP = 768, 64  # pixels
STRIDE = 32  # of the deepest level: sizes it divides are halved without a remainder, in training as in tests
MODEL, SCHEDULE, RUNTIME = ('_base_/models/sfnet_r18-v1c.py', '_base_/schedules/schedule_20k.py',
                            '_base_/default_runtime.py')

DATASET = '''# {title}; made by tools/new_dataset.py, yours to change.
# Share of the labelled pixels of train:
{shares}
# Elsewhere? Change these two folders.
images = {images!r}
masks = {masks!r}
{classes}
{palette}
{metainfo}
# 1 / ln(1.02 + share in train) (ENet), scaled so that the mean over pixels is 1. For rare classes, in both heads:
# loss_decode=dict(class_weight=_base_.class_weight)
{weights}
crop_size = {crop}  # height, width
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes={count}),
    dict(
        type='FusedResizeCrop',
        resize=dict(type='RandomResize', scale={scale}, ratio_range=(0.5, 2.0), keep_ratio=True),
        crop=dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortionLUT'),
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes={count}),
    dict(type='PackSegInputs')
]
img_ratios = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[[dict(type='Resize', scale_factor=ratio, keep_ratio=True) for ratio in img_ratios],
                    [
                        dict(type='RandomFlip', prob=0., direction='horizontal'),
                        dict(type='RandomFlip', prob=1., direction='horizontal')
                    ], [dict(type='LoadAnnotations')], [dict(type='PackSegInputs')]])
]
dataset = dict(
    type='PairedFolderDataset',
    metainfo=metainfo,
    data_prefix=dict(img_path=images, seg_map_path=masks),
    img_suffix={image_suffixes!r},
    seg_map_suffix={mask_suffix!r})
train_dataloader = dict(
    batch_size={batch},
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(dataset, ann_file='{{{{fileDirname}}}}/train.txt', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, ann_file='{{{{fileDirname}}}}/val.txt', pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(dataset, ann_file='{{{{fileDirname}}}}/{test}.txt', pipeline=test_pipeline))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
'''

NETWORK = '''# SFNet with ResNet-18 on {title}; made by tools/new_dataset.py, yours to change.
_base_ = [
{bases}
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, test_cfg=dict(size_divisor={stride})),
    decode_head=dict(num_classes={count}{loss}),
    auxiliary_head=dict(num_classes={count}{loss}))
'''
WEIGHTED = ', loss_decode=dict(class_weight=_base_.class_weight)'


def class_weights(pixels: np.ndarray) -> List[float]:
    """ENet's weights of classes with so many ``pixels``, scaled so that their mean over the pixels is 1.

    The scale keeps the loss, and with it the learning rate, where they are without weights.
    """
    share = pixels / max(pixels.sum(), 1)
    weights = 1 / np.log(1.02 + share)
    return (weights / max((share * weights).sum(), 1e-12)).round(3).tolist()


def crop_of(sizes: Sequence[Tuple[int, int]]) -> Tuple[Tuple[int, int], Tuple[int, int]]:
    """(crop (height, width), scale (width, height)): the median size, and of it what fits an ordinary GPU.

    A crop is a multiple of ``STRIDE``.
    """
    width, height = (int(np.median([s[i] for s in sizes])) for i in (0, 1))
    crop = tuple(int(np.clip(-(-side // STRIDE) * STRIDE, SMALLEST_CROP, LARGEST_CROP)) for side in (height, width))
    return crop, (width, height)


def write_masks(seen: Survey, legend: Legend, folder: Path) -> None:
    """8-bit index PNGs of all pairs."""
    for stem in progress(list(seen.images), 'writing label maps', quiet=len(seen.images) < 20):
        target = folder / f'{stem}.png'
        target.parent.mkdir(parents=True, exist_ok=True)
        data = io.BytesIO()
        Image.fromarray(legend.labels(seen.truth.read(stem, seen.sizes[stem]))).save(data, 'PNG')
        write_whole(target, data.getvalue())


def _assign(name: str, values: Sequence[Any], brackets: str = '[]') -> str:
    # repr of a string may hold spaces, at which fill must not break
    text = ', '.join(repr(v).replace(' ', '\0') for v in values)
    comma = ',' if brackets == '()' and len(values) == 1 else ''
    body = fill(text, 116, initial_indent='    ', subsequent_indent='    ', break_long_words=False,
                break_on_hyphens=False).replace('\0', ' ')
    return f'{name} = {brackets[0]}\n{body}{comma}\n{brackets[1]}'


def write_configs(folder: Path, name: str, seen: Survey, legend: Legend, splits: Dict[str, List[str]], masks: Path,
                  mask_suffix: str, shipped: Path, final: Path, weighted: bool) -> str:
    """Lists and configs in ``folder``, for use in ``final``; returns the file name of the network's config."""
    counts = legend.pixels(seen)
    pixels = sum(counts[n] for n in splits['train'])
    total, widest = max(pixels.sum(), 1), max(map(len, legend.classes))
    crop, scale = crop_of(list(seen.sizes.values()))
    batch = 8 if crop[0] * crop[1] <= 512 * 512 else 4
    for split, names in splits.items():
        write_whole(folder / f'{split}.txt', ''.join(f'{n}\n' for n in names))
    title = f'{name}: {len(seen.images)} images, {len(legend.classes)} classes'
    write_whole(folder / f'{name}.py', DATASET.format(
        title=title, images=seen.folder.resolve().as_posix(), masks=masks.resolve().as_posix(),
        shares='\n'.join(f'#   {c:<{widest}} {n / total:8.3%}' for c, n in zip(legend.classes, pixels)),
        classes=_assign('classes', legend.classes, '()'), palette=_assign('palette', legend.palette),
        metainfo='metainfo = dict(classes=classes, palette=palette)',
        weights=_assign('class_weight', class_weights(pixels)), crop=crop, scale=scale, count=len(legend.classes),
        image_suffixes=seen.suffixes, mask_suffix=mask_suffix, batch=batch, test='test' if 'test' in splits else 'val'))
    inside = final.resolve().is_relative_to(shipped.resolve().parent)  # then both move together
    bases = [Path(os.path.relpath(shipped.resolve() / b, final.resolve())) if inside else shipped.resolve() / b
             for b in (MODEL, SCHEDULE, RUNTIME)]
    paths = [bases[0].as_posix(), f'./{name}.py', *(b.as_posix() for b in bases[1:])]
    network = f'sfnet_r18-v1c_1xb{batch}-20k_{name}-{crop[0]}x{crop[1]}.py'
    write_whole(folder / network, NETWORK.format(
        title=name, bases=',\n'.join(f'    {p!r}' for p in paths), count=len(legend.classes), stride=STRIDE,
        loss=WEIGHTED if weighted else ''))
    return network
