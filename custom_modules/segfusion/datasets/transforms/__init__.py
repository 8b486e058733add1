from .boundary_labels import BoundaryLabels
from .centroid_crop import CentroidCrop
from .check_labels import CheckLabels
from .load_image import LoadImageFromFile
from .photometric import ColorJitter, RandomGaussianBlur

__all__ = [
    'BoundaryLabels', 'CentroidCrop', 'CheckLabels', 'ColorJitter', 'LoadImageFromFile', 'RandomGaussianBlur'
]
