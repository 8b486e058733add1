from . import transforms
from .camvid import CamVidDataset
from .class_uniform import ClassUniformDataset, ClassUniformSampler
from .paired import PairedFolderDataset
from .street_scenes import StreetScenes

__all__ = [
    'CamVidDataset', 'ClassUniformDataset', 'ClassUniformSampler', 'PairedFolderDataset', 'StreetScenes', 'transforms'
]
