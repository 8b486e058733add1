from .boundary_labels import BoundaryLabels
from .centroid_crop import CentroidCrop
from .check_labels import CheckLabels
from .photometric import ColorJitter, RandomGaussianBlur

__all__ = ['BoundaryLabels', 'CentroidCrop', 'CheckLabels', 'ColorJitter', 'RandomGaussianBlur']
