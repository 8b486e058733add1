import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class ValidationDeterminismHook(Hook):
    """Let validation run although training is deterministic.

    ``randomness=dict(deterministic=True)`` makes torch refuse every operation that may add in another order, also where
    nothing is differentiated. mmseg's ``IoUMetric`` counts by ``torch.histc``, which is among them on CUDA; its counts
    are whole numbers, which add up to the same in any order. So the rule is lifted while validating and testing.
    """

    def __init__(self):
        self._before = None

    def before_val(self, runner) -> None:
        if self._before is None:
            self._before = torch.are_deterministic_algorithms_enabled()
            torch.use_deterministic_algorithms(False)

    def after_val(self, runner) -> None:
        if self._before is not None:
            torch.use_deterministic_algorithms(self._before)
            self._before = None

    before_test, after_test = before_val, after_val
