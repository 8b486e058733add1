"""Which file, and which line of it, set each key of a config."""
import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from mmengine.config import Config

Key = Tuple[str, ...]


@dataclass
class Origin:
    """Where a key was set; line 0 if only the file is known. ``before`` is what it replaces."""
    file: str
    line: int = 0
    text: str = ''
    before: Optional['Origin'] = None

    def __str__(self) -> str:
        return f'{self.file}:{self.line}' if self.line else self.file


def origins(path: str, options: Sequence[str] = ()) -> Dict[Key, Origin]:
    """Origin of every leaf key of a config, dotted path as a tuple; lists are leaves.

    Args:
        path: Config file in mmengine's text style (``_base_ = ...``).
        options: Overrides ``key=value`` of the command line.

    Raises:
        ValueError: If the file is in the style of imports (``with read_base():``).
    """
    found = _merge(Path(path).resolve())
    for option in options:
        key, _, value = option.partition('=')
        _set(found, tuple(key.split('.')), Origin('command line', text=value))
    return found


def explain(path: str, prefix: str = 'model', options: Sequence[str] = ()) -> List[Tuple[str, Any, Optional[Origin]]]:
    """(dotted key, value, origin) of every leaf below ``prefix`` ('' for all) of the merged config."""
    from .loading import load_config
    found = origins(path, options)
    config = load_config(path, list(options)).to_dict()
    rows = []
    for key, value in _leaves(config):
        if not prefix or '.'.join(key) == prefix or '.'.join(key).startswith(f'{prefix}.'):
            rows.append(('.'.join(key), value, _origin(found, key)))
    if not rows:
        raise ValueError(f'{path} sets nothing below {prefix!r}; it has {", ".join(sorted(config))}')
    return rows


def origin_text(rows: Sequence[Tuple[str, Any, Optional[Origin]]]) -> str:
    """A line a key: value, file and line, and what it replaces."""
    lines = []
    for key, value, origin in rows:
        text = repr(value)
        text = text if len(text) <= 34 else f'{text[:31]}...'
        before = origin.before if origin else None
        instead = f'   (instead of {before.text[:30]} in {before})' if before else ''
        lines.append(f'{key:<44} {text:<35} {origin or "computed"}{instead}')
    return '\n'.join(lines)


def _leaves(node: Any, key: Key = ()) -> Iterator[Tuple[Key, Any]]:
    if isinstance(node, dict) and node:
        for name, child in node.items():
            yield from _leaves(child, (*key, str(name)))
    else:
        yield key, node


def _origin(found: Dict[Key, Origin], key: Key) -> Optional[Origin]:
    """The key's own origin, or that of the expression it came out of."""
    return next((found[key[:n]] for n in range(len(key), 0, -1) if key[:n] in found), None)


def _merge(path: Path) -> Dict[Key, Origin]:
    """Origins of a file with all its bases, as mmengine merges them: dicts by key, everything else replaces."""
    found: Dict[Key, Origin] = {}
    for base in Config._get_base_files(str(path)):  # private to mmengine, and the next one
        base_path, _ = Config._get_cfg_path(base, str(path))
        found.update(_merge(Path(base_path).resolve()))
    for key, origin, deletes in _own(path):
        if deletes:  # `_delete_=True`: nothing of the base remains below
            for old in [k for k in found if k[:len(key)] == key]:
                del found[old]
        else:
            _set(found, key, origin)
    return found


def _set(found: Dict[Key, Origin], key: Key, origin: Origin) -> None:
    for old in [k for k in found if k != key and (k[:len(key)] == key or key[:len(k)] == k)]:
        if len(old) > len(key):
            del found[old]
    origin.before = found.get(key)
    found[key] = origin


def _own(path: Path) -> Iterator[Tuple[Key, Origin, bool]]:
    """(key, origin, whether it is a ``_delete_``) of what one file sets itself."""
    name = _short(path)
    if path.suffix != '.py':
        from mmengine.fileio import load
        for key, value in _leaves({k: v for k, v in load(str(path)).items() if k != '_base_'}):
            yield key, Origin(name, text=repr(value)), False
        return
    tree = ast.parse(path.read_text())
    if any(isinstance(n, ast.With) for n in tree.body):
        raise ValueError(f'{path} is written with read_base(): expected a config with _base_ = [...]; mmengine\'s '
                         '`Config.fromfile(...).pretty_text` shows the result of such files')
    variables: Dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            key = _target(target)
            if key and key[0] != '_base_':
                yield from _expression(node.value, key, name, variables)
                if len(key) == 1:
                    variables[key[0]] = node.value


def _target(node: ast.expr) -> Key:
    """``a`` -> ('a',), ``a['b']`` -> ('a', 'b'), anything else -> ()."""
    if isinstance(node, ast.Name):
        return (node.id, )
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        above = _target(node.value)
        return (*above, str(node.slice.value)) if above else ()
    return ()


def _expression(node: ast.expr, key: Key, file: str, variables: Dict[str, ast.expr]) -> Iterator:
    if isinstance(node, ast.Name) and isinstance(variables.get(node.id), (ast.Call, ast.Dict)):
        node = variables[node.id]  # a dict that was named above: its keys were written there
    items = _items(node)
    if items is None:
        value = variables.get(node.id) if isinstance(node, ast.Name) else None
        text = ast.unparse(value if isinstance(value, ast.Constant) else node)
        yield key, Origin(file, node.lineno, text), False
        return
    for name, child in items:
        if name == '_delete_':
            yield key, Origin(file, child.lineno), True
    for name, child in items:
        if name != '_delete_':
            yield from _expression(child, (*key, name), file, variables)


def _items(node: ast.expr) -> Optional[List[Tuple[str, ast.expr]]]:
    """Key and value of a dict written out, None for any other expression."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and not node.args:
        items = [(k.arg, k.value) for k in node.keywords]
    elif isinstance(node, ast.Dict):
        items = [(str(k.value) if isinstance(k, ast.Constant) else None, v) for k, v in zip(node.keys, node.values)]
    else:
        return None
    return items if items and all(k is not None for k, _ in items) else None


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
