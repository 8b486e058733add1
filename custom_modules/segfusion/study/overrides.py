"""Differences between configs: dotted or nested, merged as mmengine merges a child into its base, written as a file.

``Config.merge_from_dict`` applies a difference to a config, and in doing so takes out ``_delete_``. Members are
differences of differences: there the mark has to stay.
"""
import ast
import copy
from typing import Any, Dict

from mmengine.config import Config

DELETE = '_delete_'


def nest(overrides: Dict[str, Any]) -> Dict[str, Any]:
    """Dotted keys as nested dicts: ``{'a.b': 1}`` and ``{'a': {'b': 1}}`` mean the same.

    Raises:
        ValueError: If a key has an empty part, or one key runs through the value of another.
    """
    result: Dict[str, Any] = {}
    for key, value in overrides.items():
        parts = str(key).split('.')
        if not all(parts):
            raise ValueError(f'expected a key such as model.decode_head.align, got {key!r}')
        if isinstance(value, dict):
            value = nest(value)
        for part in reversed(parts):
            value = {part: value}
        for path in _clashes(result, value):
            raise ValueError(f'{path} is given twice, once as a value and once as a dict; give it once')
        result = merge(result, value)
    return result


def merge(base: Dict[str, Any], new: Dict[str, Any]) -> Dict[str, Any]:
    """``base`` with ``new`` on top; a dict in ``new`` that says ``_delete_=True`` replaces instead of merging.

    The mark itself stays, because the result is still a difference to some config.
    """
    result = copy.deepcopy(base)
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict) and not value.get(DELETE):
            result[key] = merge(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _clashes(old, new, path=''):
    for key in old.keys() & new.keys():
        here = f'{path}.{key}' if path else key
        if isinstance(old[key], dict) != isinstance(new[key], dict):
            yield here
        elif isinstance(old[key], dict):
            yield from _clashes(old[key], new[key], here)


def source(overrides: Dict[str, Any]) -> str:
    """Python source of a difference, laid out by mmengine.

    Raises:
        ValueError: If a value cannot be written as a literal.
    """
    try:
        ast.literal_eval(repr(overrides))
    except (ValueError, SyntaxError):
        raise ValueError(f'expected numbers, strings, lists and dicts in a study, got {overrides}') from None
    return Config(overrides).pretty_text
