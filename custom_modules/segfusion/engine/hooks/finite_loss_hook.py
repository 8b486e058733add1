import math
import os.path as osp
from typing import Dict, Optional

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import find_latest_checkpoint
from mmseg.registry import HOOKS


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop at the first loss that is NaN or infinite, and never save weights that are.

    mmengine trains on, and its checkpoints push out the good ones. Losses are read where mmengine has brought them from
    the device already (its message hub, every iteration), so the device waits no more than it did. Weights are looked
    at when a checkpoint is about to be written: a gradient can spoil them although its loss was finite.

    Under a loss scaler (``AmpOptimWrapper``) such a step is skipped and spoils nothing: there ``patience`` of them in a
    row pass. Off: ``default_hooks = dict(finite_loss=None)``.

    Args:
        patience (int): Iterations in a row that may fail under a loss scaler. Defaults to 10: the scaler halves its
            scale each time, so more are no accident.

    Raises:
        FloatingPointError: Names the iteration, all losses, and the last checkpoint.
    """

    priority = 'HIGH'  # behind what fills the message hub, before what logs and saves

    def __init__(self, patience: int = 10):
        if patience < 0:
            raise ValueError(f'expected patience of at least 0 but got {patience}')
        self.patience, self.failed = patience, 0

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: Optional[Dict] = None) -> None:
        scalars = runner.message_hub.log_scalars
        losses = {name: scalars[f'train/{name}'].current() for name in outputs or ()
                  if 'loss' in name and f'train/{name}' in scalars}
        if all(math.isfinite(value) for value in losses.values()):
            self.failed = 0
            return
        self.failed += 1
        said = ', '.join(f'{name} {value:.4g}' for name, value in losses.items())
        skipped = self._skips_steps(runner)
        # Of several processes one alone may see it; a step later all do, and stop together instead of waiting.
        allowed = self.patience if skipped else int(get_world_size() > 1)
        if self.failed <= allowed:
            runner.logger.warning(f'iteration {runner.iter + 1}: {said}'
                                  f'{f"; the step is skipped ({self.failed} of {allowed})" if skipped else ""}')
            return
        again = f', {self.failed} times in a row' if self.failed > 1 else ''
        raise FloatingPointError(f'training stops at iteration {runner.iter + 1}: {said}{again}. '
                                 f'{self._what_to_do(runner)}')

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        spoilt = [name for name, value in checkpoint.get('state_dict', {}).items()
                  if torch.is_floating_point(value) and not torch.isfinite(value).all()]
        if spoilt:
            raise FloatingPointError(f'training stops before a checkpoint is written: {len(spoilt)} tensors of the '
                                     f'network hold NaN or infinity, e.g. {spoilt[0]}. '
                                     f'{self._what_to_do(runner)}')

    @staticmethod
    def _skips_steps(runner) -> bool:
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        return scaler is not None and scaler.is_enabled()

    @staticmethod
    def _what_to_do(runner) -> str:
        pointer = osp.join(runner.work_dir, 'last_checkpoint')  # the message hub names the one that is being written
        last = find_latest_checkpoint(runner.work_dir) if osp.exists(pointer) else None
        kept = f'The last good checkpoint is {last}' if last else 'There is no earlier checkpoint'
        return (f'{kept}. Lower optim_wrapper.optimizer.lr, set optim_wrapper.clip_grad=dict(max_norm=1), or try '
                'float32 if this was float16')
