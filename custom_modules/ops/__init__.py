"""Pure functions on tensors."""
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'sfnet_flow_to_offset',
    'warp',
]
