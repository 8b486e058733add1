from . import transforms
from .camvid import CamVid32Dataset, CamVidDataset
from .class_uniform import ClassUniformDataset, ClassUniformSampler
from .coco_panoptic import COCOPanopticDataset
from .indoor import NYUv2Dataset, NYUv2Dataset13, SUNRGBDDataset
from .paired import PairedFolderDataset
from .street_scenes import StreetScenes

__all__ = [
    'COCOPanopticDataset', 'CamVid32Dataset', 'CamVidDataset', 'ClassUniformDataset', 'ClassUniformSampler',
    'NYUv2Dataset', 'NYUv2Dataset13', 'PairedFolderDataset', 'SUNRGBDDataset', 'StreetScenes', 'transforms'
]
