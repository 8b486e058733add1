"""Street scenes drawn by lot: a small world in metres, painted twice, as colours and as classes.

``world`` decides what stands where, ``canvas`` projects and paints, ``ground``, ``facades``, ``furniture`` and
``traffic`` know what things look like, ``render`` puts them together. Nothing here knows about data sets.
"""
from .render import VERSION, render_scene

__all__ = ['VERSION', 'render_scene']
