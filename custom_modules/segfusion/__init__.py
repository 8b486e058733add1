"""Parts that answer how, where, what and what-else two feature levels are fused, for MMSegmentation.

Importing this package registers everything in mmseg's registries; importing it again does nothing.
Configs do so by inheriting ``configs/_base_/default_runtime.py``; in a notebook call :func:`register_all`.
"""
from typing import Any

from . import datasets, engine, evaluation, models
from .version import __version__


def register_all() -> None:
    """Register this package and mmseg's own modules, and make ``mmseg`` the default scope (for notebooks)."""
    from mmseg.utils import register_all_modules
    register_all_modules(init_default_scope=True)


def __getattr__(name: str) -> Any:
    """``get_model`` and ``list_models``, of an application, only when somebody asks for them."""
    if name in ('get_model', 'list_models'):
        from .deploy import zoo
        return getattr(zoo, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


__all__ = ['datasets', 'engine', 'evaluation', 'get_model', 'list_models', 'models', 'register_all', '__version__']
