"""What happens around training steps and tests."""
from . import checkpoints  # noqa: F401  mmengine's reader of files from here on
from .hooks import *  # noqa: F401, F403
from .loops import *  # noqa: F401, F403
