import os
import os.path as osp
from collections import deque
from typing import Optional

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import HistoryBuffer
from mmseg.registry import HOOKS

from ...datasets.files import PARTIAL, write_whole


class AtomicBackend(LocalBackend):
    """Local files that are there whole or not at all."""

    def put(self, obj: bytes, filepath) -> None:
        os.makedirs(osp.dirname(osp.abspath(filepath)), exist_ok=True)
        write_whole(filepath, obj)

    def put_text(self, obj: str, filepath, encoding: str = 'utf-8') -> None:
        self.put(obj.encode(encoding), filepath)


register_backend('atomic', AtomicBackend, force=True)


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """``CheckpointHook`` whose files survive a kill at any moment.

    mmengine removes the oldest checkpoint, then writes the new one into its final name, then rewrites
    ``last_checkpoint``: killed in between, a run may be left with half a file, with none (``max_keep_ckpts=1``), or
    with an empty ``last_checkpoint``. Here a file is written beside its name and renamed, the pointer follows, and only
    then old files go.

    Files hold nothing but tensors and plain values, so ``torch.load(..., weights_only=True)`` reads them: the smoothing
    windows of the log are stored as dictionaries, and become what they were when training resumes with this hook.
    (With mmengine's own hook such a file resumes too; only those windows start empty.)

    Args:
        interval (int, optional): Iterations or epochs between two files. Defaults to None: those between two
            validations, so that every validated network is there.
        **kwargs: Of :class:`mmengine.hooks.CheckpointHook`; ``backend_args`` defaults to local files.
    """

    def __init__(self, interval: Optional[int] = None, *args, **kwargs):
        if not kwargs.get('file_client_args'):
            kwargs['backend_args'] = kwargs.get('backend_args') or dict(backend='atomic')
        super().__init__(interval, *args, **kwargs)

    def before_train(self, runner) -> None:
        super().before_train(runner)
        if self.interval is None:
            self.interval = runner.train_loop.val_interval
        if is_main_process() and osp.isdir(self.out_dir):
            for name in os.listdir(self.out_dir):
                if '.pth.' in name and name.endswith(PARTIAL):  # of a run that was killed while it saved
                    os.remove(osp.join(self.out_dir, name))

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        for key in ('message_hub', 'meta'):
            if key in checkpoint:
                checkpoint[key] = _plain(checkpoint[key])

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for key, value in scalars.items():
            if isinstance(value, dict):
                scalars[key] = HistoryBuffer(value['values'].cpu().numpy(), value['counts'].cpu().numpy(),
                                             value['max_length'])

    # This method and the next are private to mmengine; requirements.txt bounds its version.
    def _save_checkpoint_with_step(self, runner, step, meta) -> None:
        keep = self.max_keep_ckpts
        ids = [i for i in getattr(self, 'keep_ckpt_ids', ()) if i != step] + [step]
        if keep > 0:
            # mmengine trims this list when it resumes, so what is not removed below goes then.
            runner.message_hub.update_info('keep_ckpt_ids', list(ids))
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args)
        if is_main_process():
            AtomicBackend().put_text(self.last_ckpt, osp.join(runner.work_dir, 'last_checkpoint'))
        if keep > 0:
            self.keep_ckpt_ids = deque(ids[-keep:], keep)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
            for old in ids[:-keep]:
                self._remove(self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(old)))

    def _save_best_checkpoint(self, runner, metrics) -> None:
        backend = self.file_backend
        self.file_backend = _RemoveLater(backend)
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            later, self.file_backend = self.file_backend.later, backend
        for path in later:
            self._remove(path)

    def _remove(self, path: str) -> None:
        if is_main_process() and self.file_backend.isfile(path):
            self.file_backend.remove(path)


class _RemoveLater:
    """A file backend that notes what it is asked to remove."""

    def __init__(self, backend):
        self.backend, self.later = backend, []

    def __getattr__(self, name):
        return getattr(self.backend, name)

    def remove(self, path) -> None:
        self.later.append(path)


def _plain(value):
    """The same without numpy and without classes, as far as possible."""
    if isinstance(value, HistoryBuffer):
        values, counts = value.data
        return dict(
            values=torch.as_tensor(values, dtype=torch.float64),
            counts=torch.as_tensor(counts, dtype=torch.float64),
            max_length=value.max_length)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_plain(v) for v in value)
    return value
