"""Rooms: NYU Depth V2 and SUN RGB-D, without their depth."""
from mmseg.registry import DATASETS

from .colour_map import voc_palette
from .paired import PairedFolderDataset

NYU13 = ('bed', 'books', 'ceiling', 'chair', 'floor', 'furniture', 'objects', 'picture', 'sofa', 'table', 'tv', 'wall',
         'window')
SUN37 = ('wall', 'floor', 'cabinet', 'bed', 'chair', 'sofa', 'table', 'door', 'window', 'bookshelf', 'picture',
         'counter', 'blinds', 'desk', 'shelves', 'curtain', 'dresser', 'pillow', 'mirror', 'floor mat', 'clothes',
         'ceiling', 'books', 'fridge', 'tv', 'paper', 'towel', 'shower curtain', 'box', 'whiteboard', 'person',
         'night stand', 'toilet', 'sink', 'lamp', 'bathtub', 'bag')
NYU40 = (*SUN37, 'other structure', 'other furniture', 'other prop')


@DATASETS.register_module()
class NYUv2Dataset(PairedFolderDataset):
    """NYU Depth V2, 40 classes: 795 training and 654 test images of 480x640.

    Labels are PNG files of indices 0..39, and 255 where nothing is labelled, as ``tools/prepare_dataset.py nyuv2``
    writes them. The colours are VOC's: the data set has none.

    Paper: `Indoor Segmentation and Support Inference from RGBD Images
    <https://cs.nyu.edu/~fergus/papers/nyu_depth.pdf>`_; the classes are of `Perceptual Organization and Recognition of
    Indoor Scenes from RGB-D Images <https://doi.org/10.1109/CVPR.2013.79>`_.

    Args:
        kwargs: See :class:`PairedFolderDataset`.
    """
    METAINFO = dict(classes=NYU40, palette=voc_palette(40))
    REMEDY = ('Make it by tools/prepare_dataset.py nyuv2 (docs/datasets.md), or set the environment variable '
              'NYUV2_ROOT to where it is.')


@DATASETS.register_module()
class NYUv2Dataset13(NYUv2Dataset):
    """NYU Depth V2 with the 13 classes of `Indoor Semantic Segmentation using depth information
    <https://arxiv.org/abs/1301.3572>`_. See :class:`NYUv2Dataset`."""
    METAINFO = dict(classes=NYU13, palette=voc_palette(13))


@DATASETS.register_module()
class SUNRGBDDataset(PairedFolderDataset):
    """SUN RGB-D, 37 classes: 5285 training and 5050 test images of several sizes, from four cameras.

    Labels are PNG files of indices 0..36, and 255 where nothing is labelled, as ``tools/prepare_dataset.py sunrgbd``
    writes them. The colours are VOC's: the data set has none.

    Paper: `SUN RGB-D: A RGB-D Scene Understanding Benchmark Suite <https://rgbd.cs.princeton.edu/paper.pdf>`_.

    Args:
        kwargs: See :class:`PairedFolderDataset`.
    """
    METAINFO = dict(classes=SUN37, palette=voc_palette(37))
    REMEDY = ('Make it by tools/prepare_dataset.py sunrgbd (docs/datasets.md), or set the environment variable '
              'SUNRGBD_ROOT to where it is.')
