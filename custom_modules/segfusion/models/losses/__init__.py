"""Losses that stock mmseg lacks, or has in a form no plain head can call."""
from .classwise_dice import ClasswiseDiceLoss
from .ohem import OHEMLoss
from .weighted_cross_entropy import WeightedCrossEntropyLoss

__all__ = [
    'ClasswiseDiceLoss',
    'OHEMLoss',
    'WeightedCrossEntropyLoss',
]
