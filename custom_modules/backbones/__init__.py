"""Encoders that stock mmseg lacks, or that keep what stock ones discard."""
from .deep_stem_resnet import DeepStemResNet
from .shallow_stdc import ShallowSTDCNet
from .wide_resnet38 import WideResNet38

__all__ = [
    'DeepStemResNet',
    'ShallowSTDCNet',
    'WideResNet38',
]
