"""A study file, read and checked, and the members it asks for."""
import difflib
import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from mmengine.config import Config

from ..diagnosis.loading import shipped
from ..engine.names import SWITCHES
from .overrides import merge, nest

NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9+-]*')
KEYS = ('title', 'question', 'name', 'base', 'axes', 'seeds', 'exclude', 'baseline', 'overrides', 'metric',
        'checkpoint', 'measure', 'images')
PRECISION = ('Bfloat16OptimWrapper', 'AmpOptimWrapper')  # the same training, in fewer bits
MEASURE = ('size', 'repeats', 'threads', 'device', 'columns')


@dataclass(frozen=True)
class Member:
    """One training: a choice on every axis, and a seed."""
    name: str
    group: str  # the name without the seed; members of a group are pooled
    choices: Dict[str, str]
    seed: int
    overrides: Dict[str, Any]  # difference to the base config, nested
    base: Path

    @property
    def config(self) -> str:
        """Name of the config that is trained as it stands, but for precision, layout, evaluators and seed; or ''."""
        same = ('randomness', 'test_evaluator', 'val_evaluator', *SWITCHES)
        rest = {k: v for k, v in self.overrides.items() if k not in same}
        return self.base.stem if rest in ({}, *({'optim_wrapper': {'type': t}} for t in PRECISION)) else ''


@dataclass
class Study:
    """What a study file says. See ``projects/fusion_grid/README.md`` for the keys."""
    path: Path
    base: Path
    axes: Dict[str, Dict[str, Union[dict, Path]]]  # a path instead of overrides is another base
    name: str = ''
    title: str = ''
    question: str = ''
    seeds: List[int] = field(default_factory=lambda: [0])
    exclude: List[Dict[str, List[str]]] = field(default_factory=list)
    baseline: Dict[str, str] = field(default_factory=dict)
    overrides: Dict[str, Any] = field(default_factory=dict)
    metric: str = 'mIoU'
    checkpoint: str = 'last'
    measure: Dict[str, Any] = field(default_factory=dict)
    images: Union[int, List[int]] = 3
    members: List[Member] = field(default_factory=list)

    @property
    def groups(self) -> Dict[str, List[Member]]:
        groups: Dict[str, List[Member]] = {}
        for member in self.members:
            groups.setdefault(member.group, []).append(member)
        return groups

    @property
    def baseline_group(self) -> str:
        return group_name(self.baseline)


def group_name(choices: Dict[str, str]) -> str:
    return '_'.join(choices.values())


def find_study(path: Union[str, Path]) -> Path:
    """The study file meant by a file or a folder.

    Raises:
        FileNotFoundError: If there is none; names those that are near.
    """
    path = shipped(path)
    if path.is_dir():
        files = sorted(path.glob('study*.py'))
        if (path / 'study.py') in files:
            return path / 'study.py'
        if len(files) == 1:
            return files[0]
        found = ', '.join(f.name for f in files) or 'none'
        raise FileNotFoundError(f'expected {path}/study.py, found {found}; name the file itself')
    if not path.exists():
        raise FileNotFoundError(f'expected a study file or a folder with study.py, but {path} does not exist')
    return path


def load_study(path: Union[str, Path]) -> Study:
    """Read and check a study file, and expand its members.

    Raises:
        FileNotFoundError: If the file or its base config does not exist.
        ValueError: If something in it is misspelt, missing, or given twice; says what was expected.
    """
    path = find_study(path).resolve()
    raw = Config.fromfile(str(path), import_custom_modules=False)
    raw = {k: v for k, v in raw.to_dict().items() if not k.startswith('_')}
    where = path.name
    _known(raw, KEYS, where)
    for key in ('base', 'axes'):
        if key not in raw:
            raise ValueError(f'{where}: {key} is missing; a study needs a base config and axes to vary it on')
    base = _config(raw['base'], path)
    axes = _axes(raw['axes'], path)
    measure = dict(raw.get('measure') or {})
    _known(measure, MEASURE, f'{where}: measure')
    study = Study(
        path=path,
        base=base,
        axes=axes,
        name=raw.get('name') or _default_name(path),
        title=raw.get('title') or _default_name(path).replace('_', ' '),
        question=raw.get('question', ''),
        seeds=_seeds(raw.get('seeds', [0]), where),
        exclude=[_selection(e, axes, f'{where}: exclude') for e in raw.get('exclude') or []],
        baseline=_baseline(raw.get('baseline') or {}, axes, where),
        overrides=_nest(raw.get('overrides') or {}, f'{where}: overrides'),
        metric=raw.get('metric', 'mIoU'),
        checkpoint=raw.get('checkpoint', 'last'),
        measure=measure,
        images=_images(raw.get('images', 3), where))
    if not NAME.fullmatch(study.name.replace('_', '-')):
        raise ValueError(f'{where}: name becomes a folder; expected letters, digits, - and _, got {study.name!r}')
    if study.checkpoint not in ('last', 'best'):
        raise ValueError(f"{where}: checkpoint must be 'last' or 'best', got {study.checkpoint!r}")
    study.members = expand(study)
    if study.baseline_group not in study.groups:
        raise ValueError(f'{where}: the baseline {study.baseline_group} is excluded; choose another baseline, which '
                         'every difference in the report refers to')
    return study


def expand(study: Study) -> List[Member]:
    """Every combination that is not excluded, seeds innermost."""
    members = []
    for picked in itertools.product(*study.axes.values()):
        choices = dict(zip(study.axes, picked))
        if any(all(choices[axis] in names for axis, names in rule.items()) for rule in study.exclude):
            continue
        overrides, base = study.overrides, study.base
        for axis, choice in choices.items():
            change = study.axes[axis][choice]
            if isinstance(change, Path):
                base = change
            else:
                overrides = merge(overrides, change)
        group = group_name(choices)
        for seed in study.seeds:
            seeded = merge(overrides, dict(randomness=dict(seed=seed)))
            members.append(Member(f'{group}_seed{seed}', group, choices, seed, seeded, base))
    if not members:
        raise ValueError(f'{study.path.name}: exclude leaves no member; remove a rule')
    return members


def _default_name(path: Path) -> str:
    rest = path.stem[len('study'):].strip('_') if path.stem.startswith('study') else path.stem
    return '_'.join(filter(None, [path.parent.name, rest]))


def _config(name: str, study: Path) -> Path:
    path = (study.parent / name).resolve()
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob('*.py')], 1)
        raise FileNotFoundError(f'{study.name}: base config {path} does not exist; it is relative to the study file'
                                + (f'. Did you mean {near[0]}?' if near else ''))
    return path


def _axes(raw: Any, path: Path) -> Dict[str, Dict[str, Union[dict, Path]]]:
    where = path.name
    if not isinstance(raw, dict) or not raw:
        raise ValueError(f'{where}: expected axes=dict(name=dict(choice=dict(...), ...), ...), got {raw!r}')
    axes = {}
    for axis, choices in raw.items():
        if axis == 'seeds':
            raise ValueError(f'{where}: seeds is a key of its own, not an axis: write seeds=[0, 1] beside axes')
        if not isinstance(choices, dict) or not choices:
            raise ValueError(f'{where}: axis {axis} needs choices, a dict from name to overrides, got {choices!r}')
        axes[axis] = {}
        for choice, overrides in choices.items():
            if not isinstance(choice, str) or not NAME.fullmatch(choice):
                raise ValueError(f'{where}: choice {choice!r} of axis {axis} becomes part of a file name; expected '
                                 'letters, digits, + and -')
            if isinstance(overrides, str) and overrides.endswith('.py'):
                axes[axis][choice] = _config(overrides, path)
                continue
            if overrides is not None and not isinstance(overrides, dict):
                raise ValueError(f'{where}: choice {choice} of axis {axis} must be a dict of overrides (or None for '
                                 f'the base as it is, or a config file instead of the base), got {overrides!r}')
            axes[axis][choice] = _nest(overrides or {}, f'{where}: axis {axis}, choice {choice}')
    replacing = [axis for axis, choices in axes.items() if any(isinstance(c, Path) for c in choices.values())]
    if len(replacing) > 1:
        raise ValueError(f'{where}: axes {" and ".join(replacing)} both name config files; a member has one base, so '
                         'give the others overrides')
    return axes


def _seeds(raw: Any, where: str) -> List[int]:
    good = isinstance(raw, (list, tuple)) and raw and all(type(s) is int and s >= 0 for s in raw)
    if not good or len(set(raw)) != len(raw):
        raise ValueError(f'{where}: seeds must be different integers such as [0, 1, 2], got {raw!r}')
    return list(raw)


def _selection(rule: Any, axes: Dict[str, dict], where: str) -> Dict[str, List[str]]:
    """``dict(axis=choice or choices)`` with every name checked."""
    if not isinstance(rule, dict) or not rule:
        raise ValueError(f'{where}: expected dict(axis=choice, ...), got {rule!r}')
    _known(rule, tuple(axes), where)
    result = {}
    for axis, names in rule.items():
        result[axis] = [names] if isinstance(names, str) else list(names)
        _known(result[axis], tuple(axes[axis]), f'{where}: axis {axis}')
    return result


def _baseline(raw: dict, axes: Dict[str, dict], where: str) -> Dict[str, str]:
    """One choice an axis; the first where the file says nothing."""
    picked = _selection(raw, axes, f'{where}: baseline') if raw else {}
    many = [axis for axis, names in picked.items() if len(names) != 1]
    if many:
        raise ValueError(f'{where}: baseline takes one choice an axis, got {picked[many[0]]} for {many[0]}')
    return {axis: picked[axis][0] if axis in picked else next(iter(choices)) for axis, choices in axes.items()}


def _images(raw: Any, where: str) -> Union[int, List[int]]:
    if isinstance(raw, (list, tuple)) and all(type(i) is int and i >= 0 for i in raw):
        return list(raw)
    if type(raw) is int and raw >= 0:
        return raw
    raise ValueError(f'{where}: images is how many test images to show, or a list of their indices, got {raw!r}')


def _nest(overrides: dict, where: str) -> dict:
    try:
        return nest(overrides)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from None


def _known(names: Sequence[str], allowed: Tuple[str, ...], where: str) -> None:
    for name in names:
        if name not in allowed:
            raise ValueError(f'{where}: unknown {name!r}; expected {", ".join(allowed)}{hint(name, allowed)}')


def hint(name: Any, allowed: Sequence[str]) -> str:
    near: Optional[List[str]] = difflib.get_close_matches(str(name), allowed, 1)
    return f'. Did you mean {near[0]!r}?' if near else ''
