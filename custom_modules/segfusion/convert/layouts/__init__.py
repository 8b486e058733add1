"""One file a family of checkpoints; every module here offers ``LAYOUTS``, a tuple of :class:`~..engine.Layout`."""
import importlib
import pkgutil

LAYOUTS = tuple(
    layout for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name)
    for layout in importlib.import_module(f'{__name__}.{info.name}').LAYOUTS)

__all__ = ['LAYOUTS']
