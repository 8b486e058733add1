"""Heads that take their input channels from the backbone."""
import inspect
from typing import Any, List, Optional, Sequence, Union

import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor, nn

SIZES = (64, 128, 256, 512)  # pixels; the smallest that the backbone takes is used
SIDE_OUTPUTS = ('SideOutputHead', 'SideOutputHeads')  # read what the main head made, not the backbone's levels


@MODELS.register_module()
class FittedEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` that fills in, or checks, ``in_channels`` of its heads by a dry run of backbone and neck.

    With another backbone a config need not know how many channels it gives::

        model = dict(type='FittedEncoderDecoder', backbone=dict(depth=50), decode_head=dict(in_channels=None))

    A list that is left out, or None, becomes that of the levels ``in_index`` names (all of them, for heads whose
    ``in_index`` is None by default); one that is given is compared. It runs once, when the model is built, on one black
    image without gradient; no weight, statistic or random number changes. Without this type the list has to be written,
    and ``tools/explain_config.py`` says which one is right.

    Args:
        **kwargs: Of :class:`mmseg.models.segmentors.EncoderDecoder`.

    Raises:
        ValueError: If ``in_channels`` of a head is not what the backbone gives; says what it gives.

    Shape:
        - image (N, 3, H, W) -> as EncoderDecoder
    """

    def _init_decode_head(self, decode_head) -> None:
        super()._init_decode_head(self._fit('decode_head', decode_head))

    def _init_auxiliary_head(self, auxiliary_head) -> None:
        super()._init_auxiliary_head(auxiliary_head and self._fit('auxiliary_head', auxiliary_head))

    def _fit(self, slot: str, head) -> Any:
        if isinstance(head, (list, tuple)):
            return [self._fit(f'{slot}[{i}]', one) for i, one in enumerate(head)]
        if not reads_levels(head):
            return head
        if not hasattr(self, '_channels'):
            self._channels = [level.shape[1] for level in run_levels(self.backbone, self.neck_or_none)]
        wanted = wanted_channels(head, self._channels)
        given = head.get('in_channels')
        if given is None:
            return dict(head, in_channels=wanted)
        problem = channel_problem(slot, head, self._channels)
        if problem:
            raise ValueError(problem)
        return head

    @property
    def neck_or_none(self) -> Optional[nn.Module]:
        return self.neck if self.with_neck else None


def run_levels(backbone: nn.Module, neck: Optional[nn.Module] = None, size: Optional[Sequence[int]] = None,
               ) -> List[Tensor]:
    """The levels that backbone and neck give for one black image, by default of the smallest size they take.

    Raises:
        RuntimeError: If no size works; holds what the backbone said.
    """
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ValueError(f'expected a height and a width of at least 1 pixel, got {tuple(size)}')
    training = [m for m in [*backbone.modules(), *(neck.modules() if neck is not None else ())] if m.training]
    parameter = next(backbone.parameters(), torch.zeros(1))
    backbone.eval()
    error = None
    try:
        if neck is not None:
            neck.eval()
        for height, width in [size] if size else [(s, s) for s in SIZES]:
            image = parameter.new_zeros(1, 3, height, width)
            try:
                with torch.no_grad():
                    levels = backbone(image)
                    levels = levels if neck is None else neck(levels)
                    return [levels] if isinstance(levels, Tensor) else list(levels)  # DDRNet and PIDNet give one map
            except (RuntimeError, ValueError, IndexError, AssertionError) as failed:  # too small
                error = failed
        raise RuntimeError(f'{type(backbone).__name__} takes no image of {size or SIZES[-1]} pixels: {error}')
    finally:
        for module in training:
            module.training = True


def reads_levels(head: dict) -> bool:
    """Whether a head config is of a class that is told the channels of the backbone's levels."""
    cls = _class(head)
    return cls is not None and cls.__name__ not in SIDE_OUTPUTS and _default(cls, 'in_channels') is not _ABSENT


def wanted_channels(head: dict, channels: Sequence[int]) -> Union[int, List[int]]:
    """``in_channels`` that fits a head config to levels of these channels.

    Raises:
        ValueError: If ``in_index`` names a level that is not there.
    """
    index = head.get('in_index')
    if index is None:
        index = _default(_class(head), 'in_index')
        several = isinstance(head.get('in_channels'), (list, tuple))
        if index in (None, _ABSENT) or (isinstance(index, int) and several):
            index = list(range(len(channels)))
    wrong = [i for i in ([index] if isinstance(index, int) else index) if not -len(channels) <= i < len(channels)]
    if wrong:
        raise ValueError(f'in_index={index} of {_class(head).__name__} names level {wrong[0]}, but the backbone gives '
                         f'{len(channels)} levels, 0..{len(channels) - 1}, of {list(channels)} channels')
    return channels[index] if isinstance(index, int) else [channels[i] for i in index]


def channel_problem(slot: str, head: dict, channels: Sequence[int]) -> str:
    """A sentence if ``in_channels`` of a head config is not what the levels have, '' otherwise."""
    given, wanted = head.get('in_channels'), wanted_channels(head, channels)
    given = list(given) if isinstance(given, (list, tuple)) else given
    if given == wanted:
        return ''
    what = 'is left out' if given is None else f'is {given}'
    return (f'in_channels of {slot} ({_class(head).__name__}) {what}, but the backbone gives levels of '
            f'{list(channels)} channels: write in_channels={wanted}, or None with type=\'FittedEncoderDecoder\'')


_ABSENT = inspect.Parameter.empty


def _class(head: dict) -> Optional[type]:
    kind = head.get('type')
    return MODELS.get(kind) if isinstance(kind, str) else kind


def _default(cls: type, name: str) -> Any:
    """Default of an argument of ``__init__``, through ``**kwargs`` up the bases; None without one, or _ABSENT."""
    for base in cls.__mro__:
        if '__init__' not in vars(base):
            continue
        parameters = inspect.signature(base.__init__).parameters
        if name in parameters:
            default = parameters[name].default
            return None if default is _ABSENT else default
        if not any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
            break
    return _ABSENT
