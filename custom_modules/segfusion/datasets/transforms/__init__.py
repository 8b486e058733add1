from .centroid_crop import CentroidCrop
from .check_labels import CheckLabels
from .photometric import ColorJitter, RandomGaussianBlur

__all__ = ['CentroidCrop', 'CheckLabels', 'ColorJitter', 'RandomGaussianBlur']
