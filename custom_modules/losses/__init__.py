"""Losses that stock mmseg lacks, or has in a form no plain head can call."""
from .ohem import OHEMLoss

__all__ = [
    'OHEMLoss',
]
