"""Images of what a network sees, decides and gets wrong."""
from .confusion import confusions, draw_confusion
from .contact_sheet import contact_sheet
from .flow import draw_arrows, draw_offset, flow_wheel
from .look import check_indices, inspect
from .panel import SHOW, draw_beside, draw_cells, draw_panel
from .trade_off import Rival, draw_trade_off

__all__ = [
    'Rival',
    'SHOW',
    'check_indices',
    'confusions',
    'contact_sheet',
    'draw_arrows',
    'draw_beside',
    'draw_cells',
    'draw_confusion',
    'draw_offset',
    'draw_panel',
    'draw_trade_off',
    'flow_wheel',
    'inspect',
]
