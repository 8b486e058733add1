"""Whole networks that stock mmseg lacks."""
from .refined_encoder_decoder import RefinedEncoderDecoder

__all__ = [
    'RefinedEncoderDecoder',
from .monte_carlo import MonteCarloEncoderDecoder

__all__ = [
    'MonteCarloEncoderDecoder',
]
