"""What happens around training steps and tests."""
from . import checkpoints  # noqa: F401  mmengine's reader of files from here on
from .bfloat16_optim_wrapper import Bfloat16OptimWrapper  # noqa: F401
from .checked_runner import CheckedRunner  # noqa: F401
from .hooks import *  # noqa: F401, F403
from .loops import *  # noqa: F401, F403
