from .centroid_crop import CentroidCrop
from .check_labels import CheckLabels
from .load_image import LoadImageFromFile
from .photometric import ColorJitter, RandomGaussianBlur

__all__ = ['CentroidCrop', 'CheckLabels', 'ColorJitter', 'LoadImageFromFile', 'RandomGaussianBlur']
