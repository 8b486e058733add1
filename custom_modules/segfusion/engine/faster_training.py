"""Training the same network faster: how its maps lie in memory, and what runs it. ``CheckedRunner`` reads both from a
config, as ``channels_last = True`` and ``compile = True``.
"""
import functools
from typing import Any, Callable, Iterator

import torch
from mmengine.model import is_model_wrapper
from torch import nn

PARTS = ('backbone', 'neck', 'decode_head', 'auxiliary_head')


def use_channels_last(model: nn.Module) -> None:
    """Let weights and the batches of ``model.data_preprocessor`` lie channels-last, which convolutions prefer.

    Parameters stay the same objects, and a checkpoint of either layout loads into the other. To be called before the
    model is wrapped: DistributedDataParallel lays its buckets out once.
    """
    model.to(memory_format=torch.channels_last)
    model.data_preprocessor.register_forward_hook(_lay_out)


def _lay_out(module: nn.Module, args: Any, data: Any) -> Any:
    return {**data, 'inputs': data['inputs'].contiguous(memory_format=torch.channels_last)}


def compile_parts(model: nn.Module, **options) -> int:
    """Compile the forward of backbone, neck and every head for training; what else runs, runs as before.

    mmengine compiles ``train_step`` as a whole, in which pre-processing, mixed precision and logging break the graph
    into dozens. Validation, whose images have other sizes, is not compiled.

    Args:
        model: A segmentor, may be wrapped; changed in place. Copies of it made later would share what is compiled.
        **options: Of :func:`torch.compile`.

    Returns:
        How many parts there are.

    Raises:
        ValueError: If the model has none of them.
    """
    parts = list(_parts(model.module if is_model_wrapper(model) else model))
    if not parts:
        raise ValueError(f'compile: expected a model with one of {", ".join(PARTS)}, got {type(model).__name__}; set '
                         'compile=False')
    for part in parts:
        part.forward = _in_training(part, part.forward, torch.compile(part.forward, **options))
    return len(parts)


def _parts(model: nn.Module) -> Iterator[nn.Module]:
    for name in PARTS:
        part = getattr(model, name, None)
        if part is not None:
            yield from part if isinstance(part, nn.ModuleList) else [part]


def _in_training(part: nn.Module, plain: Callable, compiled: Callable) -> Callable:

    @functools.wraps(plain)
    def forward(*args, **kwargs):
        return (compiled if part.training else plain)(*args, **kwargs)

    return forward
