"""What happens around training steps and tests."""
from .atomic_checkpoint_hook import AtomicBackend, AtomicCheckpointHook
from .checkpoint_fit_hook import CheckpointFitHook, require_fit
from .finite_loss_hook import FiniteLossHook
from .initial_weights_hook import InitialWeightsHook
from .label_audit_hook import LabelAuditHook
from .look_inside_hook import LookInsideHook
from .prepare_for_inference_hook import PrepareForInferenceHook
from .stop_in_time_hook import OUT_OF_TIME, StopInTimeHook
from .train_only_hook import TrainOnlyHook
from .validation_determinism_hook import ValidationDeterminismHook

__all__ = [
    'AtomicBackend',
    'AtomicCheckpointHook',
    'CheckpointFitHook',
    'FiniteLossHook',
    'InitialWeightsHook',
    'LabelAuditHook',
    'LookInsideHook',
    'OUT_OF_TIME',
    'PrepareForInferenceHook',
    'StopInTimeHook',
    'TrainOnlyHook',
    'ValidationDeterminismHook',
    'require_fit',
]
