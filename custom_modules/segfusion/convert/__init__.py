"""Turn checkpoints of the authors' repositories into ours; see :mod:`.engine` for the rules of the game."""
from .engine import ConversionError, ConversionReport, Drop, Keep, Layout, Rule, choose_layout, convert, strip_wrapper
from .files import convert_file
from .layouts import LAYOUTS

__all__ = [
    'ConversionError', 'ConversionReport', 'Drop', 'Keep', 'LAYOUTS', 'Layout', 'Rule', 'choose_layout', 'convert',
    'convert_file', 'strip_wrapper'
]
