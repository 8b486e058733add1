"""Every name in a config: is it registered, and does what it names take the arguments given?"""
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

import mmengine.registry
import mmseg.registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmseg.registry import MODELS

from ..models.slots import unknown_argument, unknown_name
from .optional import lacking


def check_names(config: Union[Config, Dict]) -> List[str]:
    """Sentences for everything in a config that is not registered, or is not an argument of what it is given to.

    If its model needs a package or operators that are not installed, that alone is said: nothing else can be judged.
    """
    unknown, problems = lacking(config), []
    if unknown:
        return unknown
    for path, node, registry in _typed(dict(config.items())):
        kind = node['type']
        cls = kind if callable(kind) else _find(kind, registry)
        if cls is None:
            unknown.append(f'{path}.type: {unknown_name(kind, _all_names(registry))}')
        elif registry is not None and not path.rsplit('.', 1)[-1].endswith('_cfg'):
            wrong = unknown_argument(cls, node)
            if wrong:
                problems.append(f'{path}: {wrong}')
    return unknown or problems  # a class that is not there explains arguments that are not


def _typed(node: Any, path: str = '', registry: Optional[Registry] = None) -> Iterator[Tuple[str, Dict, Any]]:
    """(dotted path, dict, registry it is built from if that is certain) of every dict with a type."""
    if isinstance(node, dict):
        if isinstance(node.get('type'), str) or callable(node.get('type')):
            yield path, node, registry
        for key, child in node.items():
            # only what is used: variables like `norm_cfg` on top are the config's own
            if not path and not (key in ROOTS or key.endswith(('_dataloader', '_evaluator'))):
                continue
            yield from _typed(child, f'{path}.{key}' if path else key, _registry(key, registry))
    elif isinstance(node, (list, tuple)):
        for i, child in enumerate(node):
            yield from _typed(child, f'{path}.{i}', registry)


ROOTS = {
    'model': 'MODELS', 'default_hooks': 'HOOKS', 'custom_hooks': 'HOOKS', 'visualizer': 'VISUALIZERS',
    'optim_wrapper': None, 'param_scheduler': 'PARAM_SCHEDULERS', 'train_cfg': None, 'val_cfg': None, 'test_cfg': None,
    'tta_model': None
}


def _registry(key: str, above: Optional[Registry]) -> Optional[Registry]:
    if key in ROOTS and above is None and ROOTS[key]:
        return getattr(mmseg.registry, ROOTS[key])
    if key in ('dataset', 'datasets'):
        return mmseg.registry.DATASETS
    if key in ('pipeline', 'transforms'):
        return mmseg.registry.TRANSFORMS
    # elsewhere inside a model or data set: initialisers, samplers, norms - registered, but built by others
    return above if above is MODELS and not key.endswith('_cfg') and key not in ('sampler', 'train_cfg') else None


def _registries() -> List[Registry]:
    return [r for package in (mmseg.registry, mmengine.registry) for r in vars(package).values()
            if isinstance(r, Registry)]


def _find(name: str, registry: Optional[Registry]) -> Any:
    for one in ([registry] if registry is not None else []) + _registries():
        if one.get(name) is not None:
            return one.get(name)
    return None


def _all_names(registry: Optional[Registry]) -> Dict[str, type]:
    names: Dict[str, type] = {}
    for one in ([registry, registry.parent] if registry is not None else _registries()):
        names.update({n: c for n, c in (one.module_dict if one else {}).items() if n not in names})
    return names
