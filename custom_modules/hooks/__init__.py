"""What happens around training steps and tests."""
from .checkpoint_fit_hook import CheckpointFitHook
from .label_audit_hook import LabelAuditHook
from .look_inside_hook import LookInsideHook
from .train_only_hook import TrainOnlyHook

__all__ = [
    'CheckpointFitHook',
    'LabelAuditHook',
    'LookInsideHook',
    'TrainOnlyHook',
]
