"""How a part shows what it decided (its offsets, its gates) to whoever watches, at no cost when nobody does.

A part calls ``expose(self, offset=offset)`` in its forward; a map that would have to be computed for the occasion is
given as a function, which is called only if somebody watches. A watcher opens ``with watch(model) as seen:`` around a
forward and finds ``seen['decode_head.aligns.0.offset']``. The last word of the name says what the map is, and how
``tools/inspect_fusion.py`` and ``LookInsideHook`` draw it; words before it say whose it is (``coarse.gate``):

* ``offset``: (N, 2k, H, W), k fields (dx, dy) in pixels of the fine grid. Colours with a wheel, and arrows.
* ``gate``: (N, 1 or C, H, W), 0..1, how much of the coarse level passes unless the part says otherwise. Heat map, 0..1.
* ``response``: (N, C, H, W), any range, where a part without a 0..1 gate lets something through. Heat map of the mean
  absolute value, from 0 to the largest.

A refiner exposes nothing: its contract, ``refine(logits, image) -> logits``, says already what to compare.
"""
from contextlib import contextmanager
from typing import Callable, Dict, Iterator, List, Union

from torch import Tensor, nn

_watchers: List[Callable[[nn.Module, Dict[str, Tensor]], None]] = []


def expose(module: nn.Module, **maps: Union[Tensor, Callable[[], Tensor]]) -> None:
    """Hand ``maps`` to the open watchers."""
    if _watchers:
        maps = {name: value() if callable(value) else value for name, value in maps.items()}
    for note in _watchers:
        note(module, maps)


@contextmanager
def watch(model: nn.Module) -> Iterator[Dict[str, Tensor]]:
    """Collect what the parts of ``model`` expose, keyed by ``<module path>.<name>``; the last forward wins."""
    names = {module: name for name, module in model.named_modules()}
    seen: Dict[str, Tensor] = {}

    def note(module, maps):
        if module in names:
            prefix = f'{names[module]}.' if names[module] else ''
            seen.update({prefix + key: value.detach() for key, value in maps.items()})

    _watchers.append(note)
    try:
        yield seen
    finally:
        _watchers.remove(note)
