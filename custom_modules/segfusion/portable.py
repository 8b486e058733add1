"""Whether operations are to be spelt out in what every runtime knows."""
from contextlib import contextmanager
from typing import Iterator

_active = _without_grid_sample = False


def portable() -> bool:
    """Whether an export is under way: shortcuts that only PyTorch has are to be left out."""
    return _active


def without_grid_sample() -> bool:
    """Whether also ``grid_sample`` is to be avoided."""
    return _without_grid_sample


@contextmanager
def portable_operations(grid_sample: bool = True) -> Iterator[None]:
    """Inside, shortcuts that only PyTorch has are left out.

    Args:
        grid_sample: Whether the runtime knows it (ONNX: ``GridSample``, opset >= 16). Otherwise sampling is written as
            look-ups and sums. Defaults to True.
    """
    global _active, _without_grid_sample
    before = _active, _without_grid_sample
    _active, _without_grid_sample = True, not grid_sample
    try:
        yield
    finally:
        _active, _without_grid_sample = before
