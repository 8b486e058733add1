"""Training loops whose randomness is a function of the seed and of where training is."""
from .reproducible import ReproducibleEpochBasedTrainLoop, ReproducibleIterBasedTrainLoop, SeededDataset, SeededSampler

__all__ = [
    'ReproducibleEpochBasedTrainLoop',
    'ReproducibleIterBasedTrainLoop',
    'SeededDataset',
    'SeededSampler',
]
