"""Parts that answer how, where, what and what-else two feature levels are fused, for MMSegmentation.

Importing this package registers everything in mmseg's registries; importing it again does nothing.
Configs do so by inheriting ``configs/_base_/default_runtime.py``; in a notebook call :func:`register_all`.
"""
import importlib
import logging
import sys
from typing import Any

import mmengine.logging

from .version import __version__


def _import_mmseg() -> None:
    """Import mmseg's data sets without what the forks print on the way.

    They report at debug level that a package of theirs is missing, but to no logger, and ``print_log`` then prints
    whatever the level. Only such messages are dropped, and only here; errors pass.
    """
    original = mmengine.logging.print_log

    def above_debug(msg, logger=None, level=logging.INFO):
        if logger is not None or level > logging.DEBUG:
            original(msg, logger, level)

    mmengine.logging.print_log = above_debug
    try:
        importlib.import_module('mmseg.datasets')
    finally:
        mmengine.logging.print_log = original
        for module in list(sys.modules.values()):  # those that took it while they were imported
            if getattr(module, '__dict__', {}).get('print_log') is above_debug:
                module.print_log = original


_import_mmseg()

from . import datasets, engine, evaluation, models  # noqa: E402


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
