"""Losses that stock mmseg lacks, or has in a form no plain head can call."""
from .balanced_edge import BalancedEdgeLoss
from .classwise_dice import ClasswiseDiceLoss
from .dual_task import DualTaskLoss
from .image_weighted_cross_entropy import ImageWeightedCrossEntropyLoss
from .ohem import OHEMLoss
from .weighted_cross_entropy import WeightedCrossEntropyLoss

__all__ = [
    'BalancedEdgeLoss',
    'ClasswiseDiceLoss',
    'DualTaskLoss',
    'ImageWeightedCrossEntropyLoss',
    'OHEMLoss',
    'WeightedCrossEntropyLoss',
]
