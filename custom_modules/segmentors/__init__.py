"""Whole networks that stock mmseg lacks."""
from .refined_encoder_decoder import RefinedEncoderDecoder

__all__ = [
    'RefinedEncoderDecoder',
]
