"""Dense conditional random fields: lattice, Gaussian filters, mean field."""
from .dense_crf import crf

__all__ = ['crf']
