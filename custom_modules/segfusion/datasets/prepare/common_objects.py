"""COCO-Stuff, COCO panoptic, and PASCAL Context, in the layout of mmsegmentation's own converters."""
import io
import json
from typing import Any, Dict, List

import numpy as np
from mmseg.datasets import PascalContextDataset59
from PIL import Image, UnidentifiedImageError

from ..checks import few, pair
from .indoor import _mat5
from .run import Recipe, Sample, by_split, lookup
from .source import Source, field

# ids of COCO's first list of objects that were never annotated, counted from 0
NEVER_USED = (11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90)
STUFF_CLASSES = [i for i in range(182) if i not in NEVER_USED]  # 171
BY_NAME = '_labelTrainIds.png'


def _indices(source: Source, name: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(source.read(name))) as file:
            return np.asarray(file)
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(f'{name}: cannot be read ({type(error).__name__}); download it again') from None


def _by_stem(names: List[str]) -> Dict[str, str]:
    return {n.split('/')[-1].rsplit('.', 1)[0]: n for n in names}


def stuff_table() -> np.ndarray:
    """Values of stuffthingmaps (id - 1, 255 for nothing) to 0..170 and 255; -1 where no value may be."""
    table = np.full(256, -1)
    table[STUFF_CLASSES] = np.arange(len(STUFF_CLASSES))
    table[255] = 255
    return table


def _known(label: np.ndarray, table: np.ndarray, what: str) -> np.ndarray:
    found = lookup(label, table, what)
    if found.min() < 0:
        raise ValueError(f'{what}: the labels {few([str(v) for v in np.unique(label[found < 0])])} stand for no class; '
                         'are the files of one release?')
    return found


def coco_stuff164k(source: Source) -> List[Sample]:
    """stuffthingmaps_trainval2017.zip: PNG files of (id - 1), 255 for nothing."""
    table, samples = stuff_table(), []
    for split in ('train', 'val'):
        folder = f'{split}2017'
        images, labels = _by_stem(source.some(f'{folder}/*.jpg')), _by_stem(
            [n for n in source.some(f'{folder}/*.png') if not n.endswith(BY_NAME)])
        samples += [Sample(split, f'images/{folder}/{image.split("/")[-1]}', lambda image=image: source.read(image),
                           {f'annotations/{folder}/{image.split("/")[-1][:-4]}{BY_NAME}':
                            lambda label=label: _known(_indices(source, label), table, label)}, source.path(image))
                    for image, label in pair(images, labels, folder, folder, source.remedy)]
    return samples


def coco_stuff10k(source: Source) -> List[Sample]:
    """cocostuff-10k-v1.1.zip: MATLAB files with ``S`` of ids 0 (nothing) to 182; 0..171 is written, 0 for nothing."""
    table = np.where(stuff_table() < 0, -1, stuff_table() + 1)[:182]
    table = np.concatenate([[0], table])
    images, labels = _by_stem(source.some('images/*.jpg')), _by_stem(source.some('annotations/*.mat'))
    lists = {split: source.read(source.one(f'imageLists/{split}.txt')).decode().split() for split in ('train', 'test')}

    def sample(split: str, name: str, image: str) -> Sample:
        if name not in labels:
            raise ValueError(f'1 image has no label: {name}; expected annotations/{name}.mat. {source.remedy}')

        def label() -> np.ndarray:
            file = labels[name]
            return _known(field(_mat5(source, file), ['S'], file).astype(np.int64), table, file)

        return Sample(split, f'images/{split}2014/{name}.jpg', lambda: source.read(image),
                      {f'annotations/{split}2014/{name}{BY_NAME}': label}, source.path(image))

    return [sample(*one) for one in by_split(images, lists, 'images')]


def coco_panoptic(source: Source) -> List[Sample]:
    """PNG files of segment ids (R + 256 G + 65536 B), and a JSON file with the category of each segment."""
    samples: List[Sample] = []
    for split in ('train', 'val'):
        folder = f'{split}2017'
        name = source.one(f'panoptic_{folder}.json')
        try:
            content = json.loads(source.read(name))
            index = {c['id']: i for i, c in enumerate(sorted(content['categories'], key=lambda c: c['id']))}
            segments = {a['file_name'].rsplit('.', 1)[0]: a['segments_info'] for a in content['annotations']}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{name} is no COCO panoptic file, or is cut off ({type(error).__name__}: {error}); '
                             'download it again') from None
        images = _by_stem(source.some(f'{folder}/*.jpg'))
        labels = _by_stem(source.some(f'panoptic_{folder}/*.png'))
        pairs = {stem: (images.get(stem), labels.get(stem)) for stem in segments}
        lost = [stem for stem, both in pairs.items() if None in both]
        if lost:
            raise ValueError(f'{len(lost)} of {len(pairs)} images of {name} lack their image or their PNG file: '
                             f'{few(lost)}. {source.remedy}')
        samples += [_panoptic(source, split, stem, *pairs[stem], segments[stem], index) for stem in sorted(pairs)]
    return samples


def _panoptic(source: Source, split: str, stem: str, image: str, png: str, segments: List[Dict[str, Any]],
              index: Dict[int, int]) -> Sample:

    def label() -> np.ndarray:
        return panoptic_to_semantic(_indices(source, png), segments, index, png)

    return Sample(split, f'images/{split}2017/{stem}.jpg', lambda: source.read(image),
                  {f'annotations/{split}2017/{stem}.png': label}, source.path(image))


def panoptic_to_semantic(png: np.ndarray, segments: List[Dict[str, Any]], index: Dict[int, int],
                         what: str) -> np.ndarray:
    """Class indices of a panoptic PNG.

    Args:
        png (ndarray): RGB, (H, W, 3); a segment has the id R + 256 G + 65536 B, 0 is nothing.
        segments (list): ``segments_info`` of the JSON file: dicts with ``id`` and ``category_id``.
        index (dict): Category id -> class index.
        what (str): Name of the file, for errors.

    Raises:
        ValueError: If pixels have an id that is in no segment, or a category is unknown.

    Shape:
        - png (H, W, 3) -> (H, W), uint8; 255 for nothing
    """
    if png.ndim != 3 or png.shape[2] != 3:
        raise ValueError(f'{what}: expected a PNG of segment ids in colours, shape (height, width, 3), but got '
                         f'{png.shape}')
    ids = (png.astype(np.int64) * (1, 1 << 8, 1 << 16)).sum(2)  # (H, W)
    present, inverse = np.unique(ids, return_inverse=True)
    classes = {0: 255}
    for segment in segments:
        if segment['category_id'] not in index:
            raise ValueError(f'{what}: category {segment["category_id"]} is not in the categories of the JSON file')
        classes[segment['id']] = index[segment['category_id']]
    lost = [str(i) for i in present.tolist() if i not in classes]
    if lost:
        raise ValueError(f'{what}: the segment ids {few(lost)} are not in the JSON file; are they of one release?')
    return np.array([classes[i] for i in present.tolist()], np.uint8)[inverse].reshape(ids.shape)


def pascal_context(source: Source) -> List[Sample]:
    """trainval/NAME.mat with ``LabelMap`` of some 460 categories; 1..59 is written, 0 for all others."""
    text = source.read(source.one('labels.txt')).decode()
    number = {name.strip(): int(i) for i, mark, name in (line.partition(':') for line in text.splitlines()) if mark}
    wanted = PascalContextDataset59.METAINFO['classes']
    lost = [name for name in wanted if name not in number]
    if lost:
        raise ValueError(f'labels.txt has no number for {few(lost)}; expected lines as "2: aeroplane" for every class')
    table = np.zeros(max(number.values()) + 1, np.uint8)
    for index, name in enumerate(wanted):
        table[number[name]] = index + 1
    images, labels = _by_stem(source.some('JPEGImages/*.jpg')), _by_stem(source.some('trainval/*.mat'))
    lists = {split: source.read(source.one(f'ImageSets/Main/{split}.txt')).decode().split()
             for split in ('train', 'val')}

    def sample(split: str, name: str, file: str) -> Sample:
        if name not in images:
            raise ValueError(f'{name} has a label but no image; expected JPEGImages/{name}.jpg. {source.remedy}')

        def label() -> np.ndarray:
            return lookup(field(_mat5(source, file), ['LabelMap'], file).astype(np.int64), table, file)

        return Sample(split, f'JPEGImages/{name}.jpg', lambda: source.read(images[name]),
                      {f'SegmentationClassContext/{name}.png': label}, source.path(images[name]))

    return [sample(*one) for one in by_split(labels, lists, 'labels')]


def _lists(samples: List[Sample]) -> Dict[str, str]:
    return {f'ImageSets/SegmentationContext/{split}.txt':
            ''.join(f'{s.image.split("/")[-1][:-4]}\n' for s in samples if s.split == split)
            for split in ('train', 'val')}


COCO = 'annotations CC BY 4.0; images under the terms of Flickr'
COCO_STUFF164K = Recipe(
    title='COCO-Stuff 164k', licence=COCO,
    where='train2017.zip and val2017.zip are on cocodataset.org, stuffthingmaps_trainval2017.zip is on the page of '
          'nightrome/cocostuff on GitHub',
    samples=coco_stuff164k, counts=dict(train=118287, val=5000))
COCO_STUFF10K = Recipe(
    title='COCO-Stuff 10k', licence=COCO,
    where='cocostuff-10k-v1.1.zip is on the page of nightrome/cocostuff10k on GitHub',
    samples=coco_stuff10k, counts=dict(train=9000, test=1000))
COCO_PANOPTIC = Recipe(
    title='COCO panoptic, as classes', licence=COCO,
    where='train2017.zip, val2017.zip and panoptic_annotations_trainval2017.zip are on cocodataset.org',
    samples=coco_panoptic, counts=dict(train=118287, val=5000))
PASCAL_CONTEXT = Recipe(
    title='PASCAL Context', licence='none stated; images under the terms of Flickr',
    where='trainval.tar.gz and labels.txt are on the page "PASCAL-Context Dataset" (cs.stanford.edu/~roozbeh/'
          'pascal-context), VOCtrainval_03-May-2010.tar is on the page of the PASCAL VOC challenge 2010',
    samples=pascal_context, counts=dict(train=4998, val=5105), files=_lists)
