"""The config file of every member, and fingerprints that tell whether it is still the one that was trained."""
import hashlib
import json
import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List

from mmengine.config import Config
from mmengine.logging import MMLogger

from ..datasets.files import write_whole
from ..engine.names import SETTINGS
from .overrides import source
from .plan import Member, Study, hint

# What changes neither the weights nor the scores.
SHOWN = ('log_level', 'log_processor', 'vis_backends', 'visualizer', 'work_dir', 'resume', 'launcher')


def config_text(study: Study, member: Member, base: str) -> str:
    """A few lines that inherit from ``base`` and state what the member changes."""
    choices = ', '.join(f'{axis}={choice}' for axis, choice in member.choices.items())
    lines = [f'# {choices}, seed={member.seed}: a member of {study.path.parent.name}/{study.path.name}, which writes '
             'this file', f'_base_ = {base!r}']
    return '\n'.join([*lines, source(member.overrides)])


def relative_base(base: Path, folder: Path) -> str:
    """How a config in ``folder`` names its base: relative, so that both can move together."""
    try:
        return Path(os.path.relpath(base, folder)).as_posix()
    except ValueError:  # another drive
        return base.as_posix()


def merged_configs(study: Study) -> Dict[str, Config]:
    """The full config of every member, as its file gives it, before any file is written.

    Raises:
        ValueError: If an override names an unknown top-level key or does not fit the base, or two members are one.
    """
    with quietly():
        return _merged_configs(study)


def _merged_configs(study: Study) -> Dict[str, Config]:
    known = sorted({*Config.fromfile(str(study.base), import_custom_modules=False), *SETTINGS})
    configs: Dict[str, Config] = {}
    seen: Dict[str, str] = {}
    for member in study.members:
        for key in member.overrides:
            if key not in known:
                raise ValueError(f'{study.path.name}: member {member.name} overrides {key!r}, which the base config '
                                 f'does not have and mmengine does not read{hint(key, known)}')
        try:
            config = Config.fromstring(config_text(study, member, member.base.as_posix()), '.py')
        except (TypeError, KeyError) as error:
            raise ValueError(
                f'{study.path.name}: member {member.name} does not fit {member.base.name}: {error}') from error
        print_ = fingerprint(config.to_dict())
        if print_ in seen:
            raise ValueError(f'{study.path.name}: {seen[print_]} and {member.name} are the same config, so the study '
                             'would train it twice; two axes set the same keys, or a choice states what the base has: '
                             'exclude one')
        seen[print_] = member.name
        configs[member.name] = config
    return configs


def write_configs(study: Study, folder: Path) -> List[Path]:
    """Write the config files; untouched where they already say the same."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for member in study.members:
        path = folder / f'{member.name}.py'
        text = config_text(study, member, relative_base(member.base, folder.resolve()))
        if not path.exists() or path.read_text() != text:
            write_whole(path, text)
        paths.append(path)
    return paths


def fingerprint(config: dict) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=repr).encode()).hexdigest()[:16]


def train_fingerprint(config: Config, checkpoint: str = 'last') -> str:
    """Of all that decides the weights: validation counts only if it chooses the checkpoint."""
    skip = ('test_', 'tta_') + (('val_', ) if checkpoint == 'last' else ())
    kept = {k: v for k, v in config.to_dict().items() if not k.startswith(skip) and k not in SHOWN}
    return fingerprint(_untested(kept) if checkpoint == 'last' else kept)


def _untested(node):
    """Without what a model and its preprocessor do in validation and tests only."""
    if isinstance(node, dict):
        return {k: _untested(v) for k, v in node.items() if k != 'test_cfg'}
    return [_untested(v) for v in node] if isinstance(node, (list, tuple)) else node


def score_fingerprint(config: Config, checkpoint: str = 'last') -> str:
    """Of all that decides the scores of a training."""
    kept = {k: v for k, v in config.to_dict().items() if k.startswith(('test_', 'model'))}
    return fingerprint(dict(kept, checkpoint=checkpoint))


# What decides the weights, and what the scores: all of it, and nothing of the place where it was run.
TRAINED = ('model', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'train_dataloader', 'randomness', 'custom_hooks',
           'load_from', 'auto_scale_lr')
CHOSEN = ('val_cfg', 'val_dataloader', 'val_evaluator')  # the checkpoint, if the best one is tested
SCORED = ('model', 'test_cfg', 'test_dataloader', 'test_evaluator')
LOADING = ('num_workers', 'persistent_workers', 'prefetch_factor', 'pin_memory')


def lasting_fingerprints(config: Config, checkpoint: str = 'last') -> List[str]:
    """Of training and scores, the same on every machine: folders of data and the number of workers do not count."""
    whole = config.to_dict()
    roots = sorted((v for k, v in whole.items() if k.endswith('_root') and isinstance(v, str) and v), key=len)

    def placeless(node):
        if isinstance(node, dict):
            return {k: placeless(v) for k, v in node.items() if k not in LOADING and k != 'data_root'}
        if isinstance(node, (list, tuple)):
            return [placeless(v) for v in node]
        root = next((r for r in reversed(roots) if isinstance(node, str) and node.startswith(f'{r}/')), '')
        return node[len(root):] if root else node

    trained = {k: whole.get(k) for k in TRAINED + (CHOSEN if checkpoint == 'best' else ())}
    scored = {k: whole.get(k) for k in SCORED}
    return [fingerprint(placeless(kept) | dict(checkpoint=checkpoint))
            for kept in (_untested(trained) if checkpoint == 'last' else trained, scored)]


@contextmanager
def quietly() -> Iterator[None]:
    """Without mmengine's line for every environment variable a config reads, a dozen times over."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
