"""Data sets and labels, on stock and own data set classes."""
import cv2
import numpy as np
from mmseg.registry import DATA_SAMPLERS, DATASETS, TRANSFORMS

from segfusion.datasets.audit import HeadClasses, audit_dataset

from . import case

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]


def build(folder, mask=None, classes=('background', 'cell'), image=(6, 8), name='0.png', **kwargs):
    """A stock BaseSegDataset of one image."""
    for sub in ('img', 'ann'):
        (folder / sub).mkdir(exist_ok=True)
    cv2.imwrite(str(folder / 'img' / name), np.zeros((*image, 3), np.uint8))
    if mask is not None:
        cv2.imwrite(str(folder / 'ann' / '0.png'), mask)
    return DATASETS.build(
        dict(dict(type='BaseSegDataset', data_root=str(folder), pipeline=LOAD, img_suffix='.png', serialize_data=False,
                  data_prefix=dict(img_path='img', seg_map_path='ann'), metainfo=dict(classes=classes)), **kwargs))


def mask(*values):
    return np.resize(np.array(values, np.uint8), (6, 8))


def look(dataset, *heads):
    for audit in audit_dataset(dataset, heads):
        audit.raise_if_wrong()


@case('Labels', 'value beyond the classes')
def _(folder):
    look(build(folder, mask(0, 1, 5)), HeadClasses('decode_head', 2))


@case('Labels', 'void not mapped to `ignore_index`')
def _(folder):
    look(build(folder, mask(0, 1, 2)))


@case('Labels', 'classes counted from 1')
def _(folder):
    look(build(folder, mask(1, 2)))


@case('Labels', 'masks drawn in 0 and 255')
def _(folder):
    look(build(folder, mask(0, 255)))


@case('Labels', 'masks are coloured images')
def _(folder):
    look(build(folder, np.zeros((6, 8, 3), np.uint8)))


@case('Labels', '16-bit masks')
def _(folder):
    look(build(folder, mask(0, 1).astype(np.uint16) * 256))


@case('Labels', 'everything ignored')
def _(folder):
    look(build(folder, mask(255)))


@case('Labels', '`reduce_zero_label=True` without need')
def _(folder):
    look(build(folder, mask(0), reduce_zero_label=True))


@case('Labels', 'head ignores another label than the data')
def _(folder):
    look(build(folder, mask(0, 1, 255)), HeadClasses('decode_head', 2, ignore_index=0))


@case('Labels', 'mask of another size than its image')
def _(folder):
    look(build(folder, mask(0, 1), image=(12, 8)))


@case('Labels', 'mask cut off while it was copied')
def _(folder):
    dataset = build(folder, mask(0, 1))
    path = folder / 'ann' / '0.png'
    path.write_bytes(path.read_bytes()[:30])
    look(dataset)


@case('Labels', 'one output with a softmax')
def _(folder):
    look(build(folder, mask(0, 1)), HeadClasses('decode_head', 1))


@case('Labels', 'one output with a sigmoid, one class name')
def _(folder):
    look(build(folder, mask(0, 1), classes=('cell', )), HeadClasses('decode_head', 1, sigmoid=True))


@case('Labels', 'one output with a Dice loss')
def _(folder):
    look(build(folder, mask(0, 1)), HeadClasses('decode_head', 1, sigmoid=True, inverted=True))


@case('Labels', 'image and mask of one pixel')
def _(folder):
    look(build(folder, np.zeros((1, 1), np.uint8), image=(1, 1)))


def broken_image(folder, share):
    dataset = build(folder, mask(0, 1))
    path = folder / 'img' / '0.png'
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * share)])
    return dataset


@case('Files', 'empty image, seen before the training')
def _(folder):
    look(broken_image(folder, 0))


@case('Files', 'image cut off while it was copied, seen before the training')
def _(folder):
    look(broken_image(folder, 0.5))


@case('Files', 'empty image in the middle of a training')
def _(folder):
    broken_image(folder, 0)[0]


@case('Labels', 'wrong label in the middle of a training')
def _(folder):
    build(folder, mask(0, 7), pipeline=LOAD + [dict(type='CheckLabels', num_classes=2)])[0]


@case('Labels', 'CheckLabels in front of LoadAnnotations')
def _(folder):
    TRANSFORMS.build(dict(type='CheckLabels', num_classes=2))(dict(img_path='a.png', seg_map_path='b.png'))


@case('Files', 'image without a mask')
def _(folder):
    look(build(folder))


@case('Files', 'wrong suffix of the images')
def _(folder):
    look(build(folder, mask(0, 1), img_suffix='.jpg'))


@case('Files', 'wrong suffix of the masks')
def _(folder):
    look(build(folder, mask(0, 1), seg_map_suffix='_labelTrainIds.png'))


@case('Files', 'training data without `seg_map_path`')
def _(folder):
    dataset = build(folder, mask(0, 1))
    dataset.data_list[0].pop('seg_map_path')
    look(dataset)


@case('Files', 'CamVid is not where the config says')
def _(folder):
    DATASETS.build(dict(type='CamVidDataset', data_root=str(folder / 'nowhere'),
                        data_prefix=dict(img_path='train', seg_map_path='trainannot'), pipeline=LOAD))


def camvid(folder, images, labels, **kwargs):
    for sub, names in (('train', images), ('trainannot', labels)):
        (folder / sub).mkdir()
        for name in names:
            (folder / sub / name).write_bytes(b'')
    DATASETS.build(dict(type='CamVidDataset', data_root=str(folder), pipeline=LOAD,
                        data_prefix=dict(img_path='train', seg_map_path='trainannot'), **kwargs))


@case('Files', 'CamVid: labels not unpacked completely')
def _(folder):
    camvid(folder, ['a.png', 'b.png'], ['a.png'])


@case('Files', 'CamVid: images not unpacked completely')
def _(folder):
    camvid(folder, ['a.png'], ['a.png', 'b.png'])


@case('Files', 'CamVid: one frame twice, as PNG and WebP')
def _(folder):
    camvid(folder, ['a.png', 'a.webp'], ['a.png'])


@case('Files', 'CamVid: folders empty')
def _(folder):
    camvid(folder, [], [])


@case('Files', 'CamVid: list of names with suffixes')
def _(folder):
    (folder / 'list.txt').write_text('a.png\n')
    camvid(folder, ['a.png'], ['a.png'], ann_file='list.txt')


@case('Files', 'Cityscapes without the labels of the training ids')
def _(folder):
    for sub in ('leftImg8bit/train/x', 'gtFine/train/x'):
        (folder / sub).mkdir(parents=True)
    (folder / 'leftImg8bit/train/x/x_leftImg8bit.png').write_bytes(b'')
    look(DATASETS.build(dict(type='CityscapesDataset', data_root=str(folder), pipeline=LOAD,
                             data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'))))


@case('Files', 'StreetScenes: unknown split')
def _(folder):
    DATASETS.build(dict(type='StreetScenes', split='training'))


@case('Files', 'StreetScenes: size as a number of pixels')
def _(folder):
    DATASETS.build(dict(type='StreetScenes', size=(8, 8)))


@case('Files', 'class-uniform sampling of a plain data set')
def _(folder):
    DATA_SAMPLERS.build(dict(type='ClassUniformSampler', dataset=[1, 2, 3]))


@case('Files', 'class-uniform sampling without labels')
def _(folder):
    DATASETS.build(dict(type='ClassUniformDataset', dataset=build(folder, mask(0, 1), pipeline=[])))
