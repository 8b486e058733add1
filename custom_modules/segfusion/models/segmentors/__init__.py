"""Whole networks that stock mmseg lacks."""
from .fitted_encoder_decoder import FittedEncoderDecoder
from .monte_carlo import MonteCarloEncoderDecoder
from .refined_encoder_decoder import RefinedEncoderDecoder, swaps_channels

__all__ = [
    'FittedEncoderDecoder',
    'MonteCarloEncoderDecoder',
    'RefinedEncoderDecoder',
    'swaps_channels',
]
