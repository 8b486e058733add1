"""Where half precision is too little."""
from contextlib import nullcontext
from typing import ContextManager

import torch

from ..portable import portable


def full_precision(device: torch.device) -> ContextManager:
    """Switch autocast off: sums over thousands of pixels, and positions, do not survive half precision.

    An export has no autocast to switch off, and some exporters stumble over the switch.
    """
    if portable() or device.type not in ('cpu', 'cuda'):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
