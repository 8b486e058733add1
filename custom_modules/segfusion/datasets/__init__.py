from . import transforms
from .camvid import CamVidDataset
from .class_uniform import ClassUniformDataset, ClassUniformSampler
from .host_datasets import CheckedADE20KDataset, CheckedCityscapesDataset, CheckedPascalVOCDataset
from .paired import PairedFolderDataset
from .street_scenes import StreetScenes

__all__ = [
    'CamVidDataset', 'CheckedADE20KDataset', 'CheckedCityscapesDataset', 'CheckedPascalVOCDataset',
    'ClassUniformDataset', 'ClassUniformSampler', 'PairedFolderDataset', 'StreetScenes', 'transforms'
]
