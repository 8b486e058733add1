"""What happens around training steps and tests."""
from .hooks import *  # noqa: F401, F403
from .loops import *  # noqa: F401, F403
