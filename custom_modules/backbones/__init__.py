"""Encoders that stock mmseg lacks, or that keep what stock ones discard."""
from .deep_stem_resnet import DeepStemResNet
from .shallow_stdc import ShallowSTDCNet

__all__ = [
    'DeepStemResNet',
    'ShallowSTDCNet',
]
