"""Train one part of a model first, e.g. a refiner behind a network that is trained already."""
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmseg.registry import HOOKS
from torch import nn


@HOOKS.register_module()
class TrainOnlyHook(Hook):
    """For the first iterations, train nothing but the parameters under ``prefix``.

    All other parameters get no gradient (so optimisers leave them alone, weight decay and momentum included), and the
    modules that hold them stay in evaluation mode, so that norms keep their statistics. Afterwards everything trains.

    Args:
        prefix (str): Prefix of the parameter names, e.g. ``'refiner.'``.
        iterations (int): Iterations of the whole run, a resumed one included.

    Raises:
        ValueError: If no parameter has the prefix.
        RuntimeError: If a distributed wrapper would wait for the gradients that are left out.
    """

    def __init__(self, prefix: str = 'refiner.', iterations: int = 500):
        self.prefix, self.iterations = prefix, iterations
        self._frozen = None

    def before_train(self, runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        names = [name for name, _ in model.named_parameters()]
        if not any(name.startswith(self.prefix) for name in names):
            raise ValueError(f'no parameter starts with {self.prefix!r}; the model has {names[:3]}, ...')
        if is_model_wrapper(runner.model) and not getattr(runner.model, 'find_unused_parameters', True):
            raise RuntimeError('some parameters get no gradient at first: set find_unused_parameters=True')

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if runner.iter < self.iterations:
            if self._frozen is None:
                self._frozen = [
                    p for name, p in model.named_parameters()
                    if p.requires_grad and not name.startswith(self.prefix)
                ]
                for parameter in self._frozen:
                    parameter.requires_grad_(False)
                runner.logger.info(f'training only {self.prefix}* until iteration {self.iterations}')
            # every time: validation in between puts the model back into training mode
            for name, module in model.named_modules():
                if isinstance(module, nn.modules.batchnorm._NormBase) and not name.startswith(self.prefix):
                    module.eval()
        elif self._frozen is not None:
            for parameter in self._frozen:
                parameter.requires_grad_(True)
            self._frozen = None
            model.train()
            runner.logger.info(f'iteration {runner.iter}: training everything')
