import time

from mmengine.dist import broadcast_object_list, is_distributed
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import IterBasedTrainLoop
from mmseg.registry import HOOKS

OUT_OF_TIME = 75  # exit status: tempfail of sysexits.h


@HOOKS.register_module()
class StopInTimeHook(Hook):
    """Save and end an iteration-based training when its time is over, so that a machine lent for an hour loses nothing.

    The run ends with exit status 75; the same command with ``--resume`` goes on, bit for bit with
    ``ReproducibleIterBasedTrainLoop``. An iteration after which a validation is due is not the last one.

    Args:
        until (float): Seconds since 1970, e.g. ``$(date -d '+230 minutes' +%s)``.

    Raises:
        ValueError: If there is no checkpoint hook to save with, or the training counts epochs.
    """
    priority = 'LOWEST'  # after a checkpoint that is due anyway

    def __init__(self, until: float):
        self.until = float(until)

    def before_train(self, runner) -> None:
        self.saver = next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
        if self.saver is None or not isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError('StopInTimeHook expects default_hooks.checkpoint and an iteration-based train_cfg, got '
                             f'{type(self.saver).__name__} and {type(runner.train_loop).__name__}')

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        done = runner.iter + 1
        if is_distributed() and done % 20:
            return
        over = [time.time() >= self.until]
        broadcast_object_list(over)  # clocks of several machines differ
        loop = runner.train_loop
        if not over[0] or done >= loop.max_iters or runner.val_loop is not None and done % loop.val_interval == 0:
            return
        if not self.saver.every_n_train_iters(runner, self.saver.interval, self.saver.save_begin):
            self.saver._save_checkpoint(runner)  # private to mmengine
        runner.logger.info(f'stopped after iteration {done} of {loop.max_iters}, in time; --resume goes on')
        raise SystemExit(OUT_OF_TIME)
