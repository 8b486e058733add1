"""What happens around training steps."""
from .train_only_hook import TrainOnlyHook

__all__ = [
    'TrainOnlyHook',
]
