"""Look at the labels before they are trained on."""
import time

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmseg.registry import HOOKS

from ...datasets.audit import audit_dataset, heads_of


@HOOKS.register_module()
class LabelAuditHook(Hook):
    """Before the first iteration, read some images and masks, and compare with the classes and with every head.

    Takes seconds; draws no random number. One process looks, and all stop together. Off::

        default_hooks = dict(label_audit=None)

    or on the command line ``--cfg-options default_hooks.label_audit=None``.

    Args:
        num_samples (int): Images and masks to read, evenly spread, of each data set that is trained or validated on.
            0 is off. Defaults to 32.

    Raises:
        ValueError: If labels, classes and heads do not fit, files are missing or a data set is empty; names the file,
            the value and the remedy.
    """

    priority = 'VERY_HIGH'

    def __init__(self, num_samples: int = 32):
        if num_samples < 0:
            raise ValueError(f'expected num_samples of at least 0 (off), got {num_samples}')
        self.num_samples = num_samples

    def before_train(self, runner) -> None:
        if not self.num_samples:
            return
        found = ['']
        if is_main_process():
            try:
                self._audit(runner)
            except Exception as error:  # the others wait for an answer, whatever it is
                found, cause = [str(error)], error
        broadcast_object_list(found)
        if found[0]:
            raise ValueError(found[0]) from (cause if is_main_process() else None)

    def _audit(self, runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        heads = heads_of(model)
        loaders = [('training', runner.train_loop.dataloader)]
        if runner.val_loop is not None:
            loaders.append(('validation', runner.val_loop.dataloader))
        for split, loader in loaders:
            start = time.perf_counter()
            for audit in audit_dataset(loader.dataset, heads, self.num_samples, needs_labels=split == 'training'):
                for warning in audit.warnings:
                    runner.logger.warning(f'label audit ({split}): {warning}')
                audit.raise_if_wrong()
                runner.logger.info(f'label audit ({split}): {audit.looked_at} of {audit.size} images and masks of '
                                   f'{audit.name} fit {len(audit.classes)} classes and {len(heads)} heads '
                                   f'({time.perf_counter() - start:.1f} s)')
