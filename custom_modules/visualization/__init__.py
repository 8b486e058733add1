"""Pictures of what a network sees, decides and gets wrong."""
from .flow import draw_offset, flow_wheel
from .panel import draw_panel, inspect

__all__ = ['draw_offset', 'draw_panel', 'flow_wheel', 'inspect']
