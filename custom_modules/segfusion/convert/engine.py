"""Strict renaming of a foreign state dict into one of our models: nothing is filled twice, left over or left out."""
import re
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from torch import Size, Tensor

State = Dict[str, Tensor]


@dataclass(frozen=True)
class Rule:
    """Move every source key that matches ``pattern`` (whole key) to ``target``.

    Args:
        pattern: Regular expression, matched against the whole source key.
        target: Replacement template (``\\1``) or a function of the match that returns the target key.
        transform: Applied to the tensor on the way, e.g. a fold or a permutation of input channels.
        resized_on_load: The model resizes this tensor itself when it loads it as initial weights (positions of a ViT),
            so its number of tokens, the second dimension, may differ from ours.
    """
    pattern: str
    target: Union[str, Callable[['re.Match'], str]]
    transform: Optional[Callable[[Tensor], Tensor]] = None
    resized_on_load: bool = False

    def fits(self, shape: Size, ours: Size) -> bool:
        """Whether a tensor of this shape may fill one of ours."""
        if self.resized_on_load and len(shape) == len(ours):
            return shape[:1] + shape[2:] == ours[:1] + ours[2:]
        return shape == ours


@dataclass(frozen=True)
class Drop:
    """Leave out, on purpose, every source key that matches ``pattern`` (whole key); ``reason`` is reported."""
    pattern: str
    reason: str


@dataclass(frozen=True)
class Keep:
    """Keep what our model has under a key that matches ``pattern`` (whole) and no file holds; ``reason`` is reported.

    For what the model computes from its config, and for norms that begin as the identity.
    """
    pattern: str
    reason: str


@dataclass(frozen=True)
class Layout:
    """How one family of checkpoint files maps onto our module names.

    Args:
        name: Name on the command line.
        source: Public repository (and commit) whose files look like this.
        signature: Regular expressions; each must match some source key for the layout to be considered.
        target_signature: Likewise for the keys of our model, so that one file may serve several models.
        signature_absent, target_absent: Regular expressions that no key of the file, of our model, may match.
        rules: Tried in order together with ``drops``; the first that matches a key decides.
        drops: Source keys that have no place in our model.
        keeps: Keys of our model that have no counterpart in the file.
        scope: Prefix of our keys that this file must fill completely, e.g. ``'backbone.'`` for ImageNet weights.
            The written file then holds only those keys, without the prefix, for ``init_cfg=dict(type='Pretrained')``.
        prepare: Applied to the whole source state first, for what cannot be said key by key.
        fit: Called with (source, target) after ``prepare``, for what depends on the model (positions of a transformer,
            which are resized to its grid).
        refuse: Called with (source, target); returns a sentence if the file looks right but can never fit.
        note: What the user has to know after a conversion; reported.
        by_name_only: Never chosen by what the file looks like, only with ``--layout``.
    """
    name: str
    source: str
    signature: Sequence[str]
    rules: Sequence[Rule]
    drops: Sequence[Drop] = ()
    keeps: Sequence[Keep] = ()
    target_signature: Sequence[str] = ()
    signature_absent: Sequence[str] = ()
    target_absent: Sequence[str] = ()
    scope: str = ''
    prepare: Optional[Callable[[State], State]] = None
    fit: Optional[Callable[[State, State], State]] = None
    refuse: Optional[Callable[[State, State], Optional[str]]] = None
    note: str = ''
    by_name_only: bool = False

    def matches(self, source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> bool:
        """Whether both sides look like what this layout connects."""

        def all_found(patterns, keys):
            return all(any(re.fullmatch(p, k) for k in keys) for p in patterns)

        def none_found(patterns, keys):
            return not any(re.fullmatch(p, k) for p in patterns for k in keys)

        return (all_found(self.signature, source) and none_found(self.signature_absent, source)
                and all_found(self.target_signature, target) and none_found(self.target_absent, target))


@dataclass
class ConversionReport:
    """What a conversion did with every source key."""
    renamed: Dict[str, str] = field(default_factory=dict)
    dropped: Dict[str, str] = field(default_factory=dict)
    kept: Dict[str, str] = field(default_factory=dict)
    note: str = ''

    def lines(self) -> List[str]:
        """A short summary, dropped and kept tensors grouped by reason."""
        out = [f'{len(self.renamed)} tensors converted, {len(self.dropped)} dropped']
        for what, reasons in (('dropped', self.dropped), ('not in the file, kept as built', self.kept)):
            for reason in dict.fromkeys(reasons.values()):
                keys = [k for k, r in reasons.items() if r == reason]
                out.append(f'  {what} {len(keys)}: {reason} ({_some(keys)})')
        return out + ([f'  note: {self.note}'] if self.note else [])


class ConversionError(ValueError):
    """The source file does not fill the model exactly."""


def strip_wrapper(source: Mapping) -> State:
    """Unwrap ``{'state_dict': ...}`` and a ``module.`` prefix; keep tensors only.

    Exports of Caffe that hold a list or a dict of blobs a layer become ``layer.0``, ``layer.1`` or ``layer.name``.
    """
    for key in ('state_dict', 'model', 'model_state'):
        if isinstance(source.get(key), Mapping):
            source = source[key]
            break
    layers = {layer: dict(v if isinstance(v, Mapping) else enumerate(v)) for layer, v in source.items()
              if isinstance(v, (Mapping, list, tuple))}
    if len(layers) == len(source) and all(
            isinstance(blob, (Tensor, np.ndarray)) for blobs in layers.values() for blob in blobs.values()):
        source = {f'{layer}.{name}': blob for layer, blobs in layers.items() for name, blob in blobs.items()}
    source = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) and v.dtype.kind in 'fiu' else v
              for k, v in source.items()}
    state = {k: v for k, v in source.items() if isinstance(v, Tensor)}
    if not state:
        raise ConversionError('the source holds no tensors: expected a state dict, or a dict with a "state_dict" '
                              f'entry, got keys {_some(list(source))}')
    if all(k.startswith('module.') for k in state):
        state = {k[len('module.'):]: v for k, v in state.items()}
    return state


def choose_layout(source: State, target: State, layouts: Sequence[Layout]) -> Layout:
    """The one layout that both sides match; one that fills the whole model goes before those that fill a part of it.

    Raises:
        ConversionError: If none or several match.
    """
    found = [layout for layout in layouts if not layout.by_name_only and layout.matches(source, target)]
    found = [layout for layout in found if not layout.scope] or found
    if len(found) == 1:
        return found[0]
    names = ', '.join(layout.name for layout in (found or layouts))
    if found:
        raise ConversionError(f'several layouts fit this file: {names}; pick one with --layout')
    raise ConversionError(
        f'no known layout fits: the file has keys like {_some(list(source))}, the model like {_some(list(target))}; '
        f'known layouts: {names}. Check that --config is the config of the network the file was trained with')


def convert(source: State, target: State, layout: Layout) -> Tuple[State, ConversionReport]:
    """Rename ``source`` into the keys of ``target``.

    Args:
        source: State dict of the file, see :func:`strip_wrapper`.
        target: State dict of our model; only names and shapes are read.
        layout: The mapping.

    Returns:
        The new state dict (keys as in ``target``, less ``layout.scope``) and a report.

    Raises:
        ConversionError: If a source key is unknown, a target key is filled twice or not at all, or a shape differs.
            ``num_batches_tracked`` may be missing in the file: it is not used in evaluation and is kept from the model.
    """
    if layout.prepare is not None:
        source = layout.prepare(source)
    refusal = layout.refuse(source, target) if layout.refuse is not None else None
    if refusal:
        raise ConversionError(refusal)
    if layout.fit is not None:
        source = layout.fit(source, target)
    target = {k: v for k, v in target.items() if k.startswith(layout.scope)}
    report, result, problems = ConversionReport(note=layout.note), {}, []
    for key, value in source.items():
        move = _first_match(key, layout)
        if move is None:
            problems.append(f'unknown source tensor {key} {tuple(value.shape)}')
        elif isinstance(move, Drop):
            report.dropped[key] = move.reason
        else:
            name, rule = move
            value = value if rule.transform is None else rule.transform(value)
            if name not in target:
                problems.append(f'{key} maps to {name}, which the model does not have')
            elif name in result:
                problems.append(f'{name} would be filled twice, the second time by {key}')
            elif not rule.fits(value.shape, target[name].shape):
                problems.append(f'{key} has shape {tuple(value.shape)}, '
                                f'{name} expects {tuple(target[name].shape)}')
            else:
                result[name] = value.detach().clone()
                report.renamed[key] = name
    for name, value in target.items():
        if name not in result:
            kept = next((keep.reason for keep in layout.keeps if re.fullmatch(keep.pattern, name)), '')
            if kept or name.endswith('num_batches_tracked'):
                result[name] = value.detach().clone()
                if kept:
                    report.kept[name] = kept
            else:
                problems.append(f'nothing in the file fills {name} {tuple(value.shape)}')
    if problems:
        unfilled = [k for k in target if k not in result]
        hint = ''
        if unfilled and all(k.startswith('auxiliary_head.') for k in unfilled):
            hint = ('\nThe file has no deep supervision, the config has: convert, test and train it with '
                    '--cfg-options model.auxiliary_head=None')
        elif unfilled and all(k.startswith('refiner.') for k in unfilled):
            hint = '\nThe file has no CRF: convert it with the config of the network without one'
        raise ConversionError(f'layout "{layout.name}" does not fit this file and config '
                              f'({len(problems)} problems):\n  ' + '\n  '.join(problems[:20]) +
                              ('\n  ...' if len(problems) > 20 else '') + hint)
    return {k[len(layout.scope):]: result[k] for k in target}, report


def _first_match(key: str, layout: Layout):
    for drop in layout.drops:
        if re.fullmatch(drop.pattern, key):
            return drop
    for rule in layout.rules:
        match = re.fullmatch(rule.pattern, key)
        if match:
            name = rule.target(match) if callable(rule.target) else match.expand(rule.target)
            return name, rule
    return None


def _some(keys: Sequence[str]) -> str:
    return ', '.join(map(str, keys[:3])) + (', ...' if len(keys) > 3 else '')
