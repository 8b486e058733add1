"""From two folders that somebody has, images and truth, to a config that trains.

``truth`` reads masks and polygons, ``survey`` looks at all pairs, ``legend`` says which value is which class,
``splits`` deals the images out, ``write`` writes masks, lists and configs, ``create`` is these steps in order.
"""
from .create import Made, new_dataset

__all__ = ['Made', 'new_dataset']
