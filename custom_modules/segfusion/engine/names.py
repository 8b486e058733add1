"""Every name in a config: is it registered, and does what it names take the arguments given?

Hooks, loops, optimisers, metrics and data loaders are built late, some arguments are looked at hours later (the first
checkpoint), and others never: what takes ``**kwargs`` and drops them says nothing at all. All are asked here at once.
"""
import ast
import difflib
import inspect
import re
import textwrap
from typing import Any, Collection, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import mmengine.registry
import mmseg.registry
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.registry import Registry
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch.utils.data import DataLoader

from ..models.slots import OFFERED, accepted_arguments, unknown_name
from .optional import lacking


class Known(NamedTuple):
    """Names that a dict may have; ``strict`` if there are no others."""
    names: Collection[str]
    strict: bool = True


def _parameters(function: Any) -> set:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name for p in inspect.signature(function).parameters.values() if p.kind in named} - {'self'}


ROOTS = {
    'model': 'MODELS', 'default_hooks': 'HOOKS', 'custom_hooks': 'HOOKS', 'visualizer': 'VISUALIZERS',
    'optim_wrapper': 'OPTIM_WRAPPERS', 'param_scheduler': 'PARAM_SCHEDULERS', 'train_cfg': 'LOOPS', 'val_cfg': 'LOOPS',
    'test_cfg': 'LOOPS', 'log_processor': 'LOG_PROCESSORS', 'tta_model': None
}
# Inside these, by the last name of the path.
INSIDE = {
    'dataset': 'DATASETS', 'datasets': 'DATASETS', 'pipeline': 'TRANSFORMS', 'transforms': 'TRANSFORMS',
    'vis_backends': 'VISBACKENDS'
}
# Keys that the runner takes out before it builds the rest.
TAKEN_OUT = {
    'HOOKS': {'priority'}, 'LOOPS': {'by_epoch'}, 'PARAM_SCHEDULERS': {'convert_to_iter_based'},
    'OPTIM_WRAPPERS': {'constructor', 'paramwise_cfg'}
}
# What the runner builds if no type is given.
DEFAULT_TYPES = dict(val_cfg='ValLoop', test_cfg='TestLoop', optim_wrapper='OptimWrapper', log_processor='LogProcessor')
DEFAULT_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')  # mmengine's
# Dicts without a type. Not strict: other segmentors and constructors may read more.
UNTYPED = {
    'env_cfg': Known({'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'}, False),
    'randomness': Known(_parameters(Runner.set_randomness)),
    'auto_scale_lr': Known({'enable', 'base_batch_size'}),
    'optim_wrapper.clip_grad': Known({'type', 'max_norm', 'norm_type', 'error_if_nonfinite', 'clip_value'}, False),
    'optim_wrapper.paramwise_cfg': Known({
        'custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'flat_decay_mult', 'dwconv_decay_mult',
        'dcn_offset_lr_mult', 'bypass_duplicate'}, False),
    'model.test_cfg': Known({'mode', 'crop_size', 'stride'}, False),
    'default_hooks': Known({
        *DEFAULT_HOOKS, 'visualization', 'checkpoint_fit', 'label_audit', 'finite_loss', 'initial_weights',
        'determinism'}, False),
}
LOADER = Known(_parameters(DataLoader) | {'num_batch_per_epoch'})
# Of CheckedRunner: how a step runs, and nothing that it computes.
SWITCHES = ('channels_last', 'lean_loss', 'lean_norm')
# What the runner, mmseg's tools and this package read on top of a config.
SETTINGS = _parameters(Runner) | {
    'custom_imports', 'default_scope', 'runner_type', 'check_names', 'tta_model', 'tta_pipeline', 'model_wrapper_cfg',
    'sync_bn', 'find_unused_parameters', 'activation_checkpointing', 'efficient_conv_bn_eval', 'compile', 'launcher',
    *SWITCHES
}


def check_names(config: Union[Config, Dict]) -> List[str]:
    """Sentences for everything in a config that is not registered, or is not an argument of what it is given to.

    If its model needs a package or operators that are not installed, that alone is said: nothing else can be judged.
    """
    unknown, problems = lacking(config), []
    if unknown:
        return unknown
    plain = {key: _with_type(key, value) for key, value in dict(config.items()).items()}
    for path, node, registry in _typed(plain):
        kind = node['type']
        cls = kind if callable(kind) else _find(kind, registry)
        if cls is None:
            unknown.append(f'{path}.type: {unknown_name(kind, _all_names(registry))}')
        elif registry is not None and 'constructor' not in node and (path in ROOTS or not _last(path).endswith('_cfg')):
            problems += _misfits(path, f'{cls.__name__} ({cls.__module__})', node, _known(cls, registry))
    if unknown:
        return unknown  # a class that is not there explains arguments that are not
    for path, known in UNTYPED.items():
        problems += _misfits(path, '', _at(plain, path), known)
    for path, node in plain.items():
        if path.endswith('_dataloader') and isinstance(node, dict):
            problems += _misfits(path, '', node, LOADER)
    return [*_top_level(config), *problems]


def _with_type(key: str, node: Any) -> Any:
    if not isinstance(node, dict) or 'type' in node:
        return node
    if key == 'train_cfg' and 'by_epoch' in node:
        return dict(node, type='EpochBasedTrainLoop' if node['by_epoch'] else 'IterBasedTrainLoop')
    return dict(node, type=DEFAULT_TYPES[key]) if key in DEFAULT_TYPES else node


def _known(cls: Any, registry: Registry) -> Optional[Known]:
    """The arguments of a class, None if nobody can tell."""
    name = next((n for n in TAKEN_OUT if getattr(mmseg.registry, n) is registry), None)
    also = TAKEN_OUT.get(name, set())
    names = accepted_arguments(cls)
    if names is not None:
        return Known(names | also)
    if not inspect.isclass(cls):
        return None
    named = set().union(*(_parameters(base.__init__) for base in cls.__mro__ if inspect.isfunction(base.__init__)))
    if issubclass(cls, CheckpointHook):  # keeps **kwargs, and looks at them when it saves for the first time
        return Known(named | _parameters(Runner.save_checkpoint) | also)
    return Known(named | also, strict=False) if _drops_the_rest(cls) else None


def _drops_the_rest(cls: type) -> bool:
    """Whether ``__init__`` takes ``**kwargs`` and never looks at them."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls.__init__))).body[0]
    except (OSError, TypeError, SyntaxError):
        return False
    rest = tree.args.kwarg
    return rest is not None and not any(isinstance(n, ast.Name) and n.id == rest.arg for n in ast.walk(tree))


def _misfits(path: str, who: str, node: Any, known: Optional[Known]) -> List[str]:
    if known is None or not isinstance(node, dict):
        return []
    found, where = [], f'{path}: {who}' if who else path
    for key in map(str, node):
        if key == 'type' or key in known.names or key.startswith('_'):
            continue
        cutoff = 0.6 if known.strict else 0.8
        close = [] if key in OFFERED else difflib.get_close_matches(key, known.names, n=1, cutoff=cutoff)
        if close:
            found.append(f'{where} takes no argument {key!r}; did you mean {close[0]!r}?')
        elif known.strict:
            taken = ', '.join(sorted(known.names)) or 'none'
            found.append(f'{where} takes no argument {key!r}; it takes {taken}')
    return found[:1]


def _top_level(config: Union[Config, Dict]) -> List[str]:
    """Variables that nothing reads, and that are named almost like a setting, or like a key further down.

    A config may have variables of any name; those are used somewhere in its text.
    """
    text, found = getattr(config, 'text', ''), []
    settings = {key: value for key, value in config.items() if _is_setting(key)}
    below = {_last(path): path for path in reversed(list(_paths(settings))) if '.' in path}
    for key in config.keys():
        assigned = re.search(rf'^{re.escape(key)}\s*=', text, re.MULTILINE)
        used = assigned and len(re.findall(rf'\b{re.escape(key)}\b', text)) > 1
        if _is_setting(key) or key.startswith('_') or used:
            continue
        close = difflib.get_close_matches(key, SETTINGS, n=1, cutoff=0.8)
        deeper = difflib.get_close_matches(key, below, n=1, cutoff=0.85) if text else []
        if close or deeper:
            found.append(f'{key}: nothing reads it; did you mean {close[0] if close else below[deeper[0]]!r}?')
    return found


def _is_setting(key: str) -> bool:
    return key in SETTINGS or key.endswith(('_dataloader', '_evaluator'))


def _paths(node: Any, path: str = '') -> Iterator[str]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield f'{path}{key}'
            yield from _paths(child, f'{path}{key}.')


def _at(config: Dict, path: str) -> Any:
    node: Any = config
    for key in path.split('.'):
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _last(path: str) -> str:
    return path.rsplit('.', 1)[-1]


def _typed(node: Any, path: str = '', registry: Optional[Registry] = None) -> Iterator[Tuple[str, Dict, Any]]:
    """(dotted path, dict, registry it is built from if that is certain) of every dict with a type."""
    if isinstance(node, dict):
        if isinstance(node.get('type'), str) or callable(node.get('type')):
            yield path, node, registry
        for key, child in node.items():
            # only what is used: variables like `norm_cfg` on top are the config's own
            if not path and not (key in ROOTS or key.endswith(('_dataloader', '_evaluator'))):
                continue
            if key == 'clip_grad':  # its type is no class
                continue
            below = f'{path}.{key}' if path else key
            yield from _typed(child, below, _registry(below, key, registry))
    elif isinstance(node, (list, tuple)):
        for i, child in enumerate(node):
            yield from _typed(child, f'{path}.{i}', registry)


def _registry(path: str, key: str, above: Optional[Registry]) -> Optional[Registry]:
    name = INSIDE.get(key)
    if path in ROOTS:
        name = ROOTS[path]
    elif path.endswith('_evaluator') and '.' not in path:
        name = 'METRICS'
    elif path == 'optim_wrapper.optimizer':
        name = 'OPTIMIZERS'
    elif path.endswith('_dataloader.sampler') and path.count('.') == 1:
        name = 'DATA_SAMPLERS'
    if name:
        return getattr(mmseg.registry, name)
    if path.startswith(('default_hooks.', 'custom_hooks.')) and path.count('.') == 1:
        return above
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
