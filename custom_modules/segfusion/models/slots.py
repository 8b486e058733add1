"""Slots: what a config writes into one, and how the part is built or the mistake is said."""
import ast
import difflib
import importlib.util
import inspect
import textwrap
from typing import Any, Dict, Optional, Set

from mmseg.registry import MODELS
from torch import nn

# Our folders, and the slot of a config that each one answers.
FOLDERS = dict(align='align', fusion='fusion', context='context', refine='refiner')
QUESTIONS = dict(
    align='HOW do two levels line up?',
    fusion='WHERE is each level informative?',
    context='WHAT does the scene say?',
    refiner='what does the IMAGE still know?')
# What an owner offers to every part, for those that take it; whatever else it passes, the part has to take.
OFFERED = frozenset(['channels', 'norm_cfg', 'act_cfg', 'align_corners', 'num_classes'])


def build_part(slot: str, cfg: Any, owner: object, default_args: Dict) -> Any:
    """Build the part of a slot; what is wrong with its config is said with the slot's name and the nearest right one.

    Args:
        slot: Name of the slot, e.g. ``'align'``.
        cfg: What the user wrote there.
        owner: Whose slot it is, for messages.
        default_args: Arguments that the owner passes down unless ``cfg`` names them; those in ``OFFERED`` only if the
            part takes them.

    Raises:
        TypeError: If ``cfg`` is no dict with a type, or holds an argument that the part does not take.
        ValueError: If the type is not registered, or answers another question than the slot asks.
    """
    where = f'{slot} of {type(owner).__name__}'
    if not isinstance(cfg, dict) or 'type' not in cfg:
        hint = f"dict(type='{cfg}')" if isinstance(cfg, str) else "dict(type='...', ...)"
        raise TypeError(f'{where}: expected {hint}, got {cfg!r}')
    kind = cfg['type']
    part = kind if callable(kind) else MODELS.get(kind)
    if part is None:
        known = {n: c for n, c in MODELS.module_dict.items()
                 if folder_slot(c) == slot or folder_slot(c) is None and not c.__module__.startswith('torch.')}
        raise ValueError(f'{where}: {unknown_name(kind, known)}{_choices(slot)}')
    answers = folder_slot(part)
    if slot in FOLDERS.values() and answers not in (slot, None):
        raise ValueError(f'{where}: {part.__name__} answers "{QUESTIONS[answers]}", so it belongs in {answers}=, and '
                         f'{slot}= asks "{QUESTIONS[slot]}".{_choices(slot)}')
    accepted = accepted_arguments(part)
    passed = {k: v for k, v in default_args.items() if accepted is None or k in accepted or k not in OFFERED}
    wrong = unknown_argument(part, cfg)
    if wrong:
        raise TypeError(f'{where}: {wrong}')
    untaken = [] if accepted is None else sorted(set(passed) - accepted)
    if untaken:
        raise TypeError(f'{where}: expected {part.__name__} ({part.__module__}) to take {untaken[0]!r}, which is '
                        f'passed to every {slot} here; add it to its __init__')
    return MODELS.build(cfg, default_args=passed)


def folder_slot(cls: type) -> Optional[str]:
    """The slot a part of this package belongs in, None for everything else."""
    package, _, rest = getattr(cls, '__module__', '').partition(f'{__package__}.')
    return FOLDERS.get(rest.split('.')[0]) if not package else None


def _choices(slot: str) -> str:
    names = sorted(n for n, c in MODELS.module_dict.items() if folder_slot(c) == slot)
    return f' Ours for {slot}=: {", ".join(names)}.' if names else ''


def unknown_name(name: str, known: Dict[str, type]) -> str:
    """A sentence for a name that is not registered: the one it must have been meant for, if there is one, and where.

    Only a slip counts: ``MyFlowAlign`` is a name of one's own. Classes begin with a capital; ``bilinear`` and other
    short names of layers do not, and are never what a class was meant for.
    """
    scope = str(name).split('.')[0]
    if '.' in str(name) and importlib.util.find_spec(scope) is None:
        return f'{name!r} is of the package {scope}, which is not installed'
    given = str(name).lower()
    lower = {n.lower(): n for n in known if n[:1].isupper() == str(name)[:1].isupper()}
    extended = [n for n in lower if n in given and len(given) > len(n) + 1]
    close = difflib.get_close_matches(given, set(lower) - set(extended), n=1, cutoff=0.8)
    if not close:
        return (f'{name!r} is not registered; is the module that defines it in custom_imports, and importable '
                'from where you start?')
    found = lower[close[0]]
    return f'{name!r} is not registered; did you mean {found!r} ({known[found].__module__})?'


def accepted_arguments(cls: Any) -> Optional[Set[str]]:
    """Names a class (or function) takes, through ``**kwargs`` up its bases; None if it takes any name."""
    names: Set[str] = set()
    for base in (cls.__mro__ if inspect.isclass(cls) else (cls, )):
        if base is nn.Module:  # its **kwargs are for other bases; it refuses every name
            return names
        if inspect.isclass(base) and '__init__' not in vars(base):
            continue
        try:
            parameters = inspect.signature(base.__init__ if inspect.isclass(base) else base).parameters.values()
        except (TypeError, ValueError):  # built in
            return None
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {'self'}
        rest = next((p.name for p in parameters if p.kind == p.VAR_KEYWORD), None)
        if rest is None:
            return names
        if not _hands_up(base, rest):
            return None
    return None


def _hands_up(cls: Any, rest: str) -> bool:
    """Whether ``__init__`` of a class hands its ``**rest`` to its base, and not to something else."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls.__init__)))
    except (OSError, TypeError, AttributeError):  # built in, or written in a terminal
        return False
    return any(isinstance(n, ast.Call) and ast.unparse(n.func).endswith('.__init__') and
               any(k.arg is None and ast.unparse(k.value) == rest for k in n.keywords) for n in ast.walk(tree))


def unknown_argument(cls: Any, cfg: Dict) -> str:
    """A sentence for the first key of ``cfg`` that the class does not take, '' if there is none."""
    accepted = accepted_arguments(cls)
    if accepted is None:
        return ''
    for key in cfg:
        if key == 'type' or key in accepted or key.startswith('_'):
            continue
        close = [] if key in OFFERED else difflib.get_close_matches(key, accepted, n=1)  # those are not misspelt
        hint = f'did you mean {close[0]!r}?' if close else f'it takes {", ".join(sorted(accepted)) or "none"}'
        return f'{cls.__name__} ({cls.__module__}) takes no argument {key!r}; {hint}'
    return ''
