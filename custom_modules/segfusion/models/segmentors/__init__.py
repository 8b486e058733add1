"""Whole networks that stock mmseg lacks."""
from .fitted_encoder_decoder import FittedEncoderDecoder
from .monte_carlo import MonteCarloEncoderDecoder
from .refined_encoder_decoder import RefinedEncoderDecoder, swaps_channels
from .tta import ProbabilityTTAModel

__all__ = [
    'FittedEncoderDecoder',
    'MonteCarloEncoderDecoder',
    'ProbabilityTTAModel',
    'RefinedEncoderDecoder',
    'swaps_channels',
]
