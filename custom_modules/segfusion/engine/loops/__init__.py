"""Training loops whose randomness is a function of the seed and of where training is."""
from .repeatable import RepeatableEpochBasedTrainLoop, RepeatableIterBasedTrainLoop, SeededDataset, SeededSampler

__all__ = [
    'RepeatableEpochBasedTrainLoop',
    'RepeatableIterBasedTrainLoop',
    'SeededDataset',
    'SeededSampler',
]
