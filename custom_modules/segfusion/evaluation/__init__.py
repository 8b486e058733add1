"""How good is it, and how good at boundaries?"""
from .boundary_fscore import BoundaryFScoreMetric
from .boundary_iou import BoundaryIoUMetric
from .confusion_matrix import ConfusionMatrixMetric
from .frequency_weighted_iou import FrequencyWeightedIoUMetric
from .trimap_iou import TrimapIoUMetric

__all__ = [
    'BoundaryFScoreMetric',
    'BoundaryIoUMetric',
    'ConfusionMatrixMetric',
    'FrequencyWeightedIoUMetric',
    'TrimapIoUMetric',
]
