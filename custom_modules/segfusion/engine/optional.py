"""What a config needs beyond the plain installation: compiled operators of mmcv, mmdetection, or timm.

Nothing of this package needs any. Some parts of mmsegmentation do, and say so by a bare ``RuntimeError`` or, worse, by
``unexpected keyword argument``. Standard library only.
"""
import importlib.util
from typing import Any, Dict, Iterator, List, Tuple

# type in a config -> what has to be there; mmdetection itself imports mmcv's operators
NEEDS = {
    'CCHead': 'ops',
    'PointHead': 'ops',
    'PSAHead': 'ops',
    'DCN': 'ops',
    'DCNv2': 'ops',
    'MaskFormerHead': 'mmdet',
    'Mask2FormerHead': 'mmdet',
    'TIMMBackbone': 'timm',
}
NAMES = dict(ops="mmcv's compiled operators", mmdet="mmdetection and mmcv's compiled operators", timm='timm')
REMEDY = 'tools/compiled_ops.sh builds an environment that has them'
REMEDIES = dict(ops=REMEDY, mmdet=REMEDY, timm="pip install 'segfusion[timm]'")


def has_compiled_ops() -> bool:
    """Whether the mmcv that would be imported holds its compiled operators."""
    return importlib.util.find_spec('mmcv') is not None and importlib.util.find_spec('mmcv._ext') is not None


def has_mmdet() -> bool:
    """Whether mmdetection can be imported: it is there, and so are the operators."""
    return has_compiled_ops() and importlib.util.find_spec('mmdet') is not None


def has_timm() -> bool:
    """Whether timm can be imported."""
    return importlib.util.find_spec('timm') is not None


def lacking(config: Dict) -> List[str]:
    """A sentence for everything that the model of a config needs and this installation has not; [] mostly."""
    there = dict(ops=has_compiled_ops, mmdet=has_mmdet, timm=has_timm)
    users: Dict[str, List[str]] = {}
    for path, kind in _types(config.get('model') or {}, 'model'):
        need = 'mmdet' if kind.startswith('mmdet.') else NEEDS.get(kind)
        if need and not there[need]():
            users.setdefault(need, []).append(f'{path} ({kind})')
    return [f'{paths[0]} needs {NAMES[need]}, which {"is" if need == "timm" else "are"} not installed here: '
            f'{REMEDIES[need]}' for need, paths in users.items()]


def _types(node: Any, path: str) -> Iterator[Tuple[str, str]]:
    """(dotted path, type) of every dict in a config, outer ones first."""
    if isinstance(node, dict):
        kind = node.get('type')
        if kind is not None:
            yield path, kind if isinstance(kind, str) else getattr(kind, '__name__', '')
        for key, child in node.items():
            yield from _types(child, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for i, child in enumerate(node):
            yield from _types(child, f'{path}.{i}')
