"""Differences between configs: dotted or nested, merged as mmengine merges a child into its base, written as a file."""
import ast
import copy
import keyword
from typing import Any, Dict

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


def render(value: Any, indent: int = 0, width: int = 100) -> str:
    """Python source of a config value, in the style of config files: ``dict(type='X')``.

    Raises:
        ValueError: If the value cannot be written as a literal.
    """
    line = _flat(value)
    if indent + len(line) <= width or not isinstance(value, (dict, list, tuple)) or not value:
        return line
    pad = ' ' * (indent + 4)
    if isinstance(value, dict):
        plain = _plain(value)
        items = [(f'{k}=' if plain else f'{k!r}: ') + render(v, indent + 4, width) for k, v in value.items()]
        left, right = ('dict(', ')') if plain else ('{', '}')
    else:
        items = [render(v, indent + 4, width) for v in value]
        left, right = ('[', ']') if isinstance(value, list) else ('(', ',)' if len(value) == 1 else ')')
    return left + '\n' + ',\n'.join(pad + item for item in items) + right


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        if _plain(value):
            return f'dict({", ".join(f"{k}={_flat(v)}" for k, v in value.items())})'
        return '{' + ', '.join(f'{k!r}: {_flat(v)}' for k, v in value.items()) + '}'
    if isinstance(value, list):
        return f'[{", ".join(map(_flat, value))}]'
    if isinstance(value, tuple):
        return f'({", ".join(map(_flat, value))}{"," if len(value) == 1 else ""})'
    text = repr(value)
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise ValueError(f'expected numbers, strings, lists and dicts in a study, got {text}') from None
    return text


def _plain(value: dict) -> bool:
    """Whether ``dict(key=...)`` can say it."""
    return all(isinstance(k, str) and k.isidentifier() and not keyword.iskeyword(k) for k in value)
