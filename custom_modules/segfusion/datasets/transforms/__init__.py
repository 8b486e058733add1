from .boundary_labels import BoundaryLabels
from .centroid_crop import CentroidCrop
from .check_labels import CheckLabels
from .load_image import LoadImageFromFile
from .photometric import ColorJitter, PhotoMetricDistortionLUT, RandomGaussianBlur
from .resize_crop import FusedResizeCrop

__all__ = [
    'BoundaryLabels', 'CentroidCrop', 'CheckLabels', 'ColorJitter', 'FusedResizeCrop', 'LoadImageFromFile',
    'PhotoMetricDistortionLUT', 'RandomGaussianBlur'
]
