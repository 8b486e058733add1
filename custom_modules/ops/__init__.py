"""Pure functions on tensors."""
from .expose import expose, watch
from .warp import sfnet_flow_to_offset, warp

__all__ = [
    'expose',
    'sfnet_flow_to_offset',
    'warp',
    'watch',
]
