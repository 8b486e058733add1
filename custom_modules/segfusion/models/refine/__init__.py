"""What does the image still know?  ``refine(logits, image) -> logits``; the image is RGB in 0..255."""
from .crf_as_rnn import CRFAsRNN

__all__ = [
    'CRFAsRNN',
]
