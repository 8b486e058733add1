"""Whole networks that stock mmseg lacks."""
from .monte_carlo import MonteCarloEncoderDecoder
from .refined_encoder_decoder import RefinedEncoderDecoder

__all__ = [
    'MonteCarloEncoderDecoder',
    'RefinedEncoderDecoder',
]
