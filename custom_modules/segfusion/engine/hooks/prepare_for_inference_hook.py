from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmseg.registry import HOOKS

from ..inference import prepare_for_inference


@HOOKS.register_module()
class PrepareForInferenceHook(Hook):
    """Test with the faster network of :func:`~segfusion.engine.inference.prepare_for_inference`.

    The logits on a random image are compared before and after; the same scores result. Validation during training is
    left alone, since what is prepared cannot be trained.

    Args:
        **options: Of :func:`~segfusion.engine.inference.prepare_for_inference`.

    Raises:
        RuntimeError: If the logits changed, or the run also trains.
    """

    priority = 'VERY_LOW'  # after whatever else changes the weights, such as an average of them

    def __init__(self, **options):
        self.options, self.prepared = options, False

    def before_test(self, runner) -> None:
        if self.prepared:
            return
        model = runner.model
        while is_model_wrapper(model) or hasattr(model, 'module'):  # several GPUs, test-time augmentation
            model = model.module
        prepare_for_inference(model, **self.options)
        self.prepared = True

    def before_train(self, runner) -> None:
        if self.prepared:
            raise RuntimeError('PrepareForInferenceHook prepared the network for testing, and it can no longer be '
                               'trained: expected training before testing; build a new runner')
