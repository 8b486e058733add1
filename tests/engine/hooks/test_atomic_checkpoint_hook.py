from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub

from segfusion.engine.hooks import AtomicBackend, AtomicCheckpointHook, ValidationDeterminismHook


class Runner:
    """As much of a runner as the hook touches; saving can be told to fail."""

    def __init__(self, folder):
        self.work_dir, self.iter, self.epoch, self.broken = str(folder), 0, 0, False
        self.message_hub = MessageHub.get_instance(str(folder))
        self.logger = SimpleNamespace(info=print, warning=print)

    def save_checkpoint(self, out_dir, filename, *args, **kwargs):
        if self.broken:
            raise KeyboardInterrupt
        AtomicBackend().put(b'whole', f'{out_dir}/{filename}')


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path)


def make(runner, **kwargs):
    hook = AtomicCheckpointHook(by_epoch=False, interval=1, **kwargs)
    hook.before_train(runner)
    return hook


def names(runner):
    import os
    return sorted(n for n in os.listdir(runner.work_dir) if n.endswith('.pth'))


def test_the_old_file_goes_only_after_the_new_one_is_there(runner):
    hook = make(runner, max_keep_ckpts=1)
    hook._save_checkpoint(runner)
    runner.iter, runner.broken = 1, True
    with pytest.raises(KeyboardInterrupt):
        hook._save_checkpoint(runner)
    assert names(runner) == ['iter_1.pth'] and open(f'{runner.work_dir}/last_checkpoint').read().endswith('iter_1.pth')
    runner.broken = False
    hook._save_checkpoint(runner)
    assert names(runner) == ['iter_2.pth'] and hook.keep_ckpt_ids == deque([2])
    assert open(f'{runner.work_dir}/last_checkpoint').read().endswith('iter_2.pth')


def test_a_better_checkpoint_replaces_the_best_after_it_is_saved(runner):
    hook = make(runner, max_keep_ckpts=2, save_best='mIoU', rule='greater')
    runner.iter = 1
    hook._save_best_checkpoint(runner, dict(mIoU=1.))
    runner.iter, runner.broken = 2, True
    with pytest.raises(KeyboardInterrupt):
        hook._save_best_checkpoint(runner, dict(mIoU=2.))
    assert names(runner) == ['best_mIoU_iter_1.pth']
    assert type(hook.file_backend) is AtomicBackend


def test_leftovers_of_a_killed_run_are_cleared(runner, tmp_path):
    (tmp_path / 'iter_9.pth.1a2b3c4d.partial').write_bytes(b'half')
    make(runner)
    assert not (tmp_path / 'iter_9.pth.1a2b3c4d.partial').exists()


def test_log_windows_survive_as_plain_values(runner, tmp_path):
    hook = make(runner)
    buffer = HistoryBuffer([1., 2., 4.], [1, 1, 2], 5)
    checkpoint = dict(
        meta=dict(time='now', score=np.float64(3), colours=np.arange(3)),
        message_hub=dict(log_scalars=dict(loss=buffer), runtime_info=dict(iter=np.int64(3)), resumed_keys={}))
    hook.before_save_checkpoint(runner, checkpoint)
    torch.save(checkpoint, tmp_path / 'file.pth')
    loaded = torch.load(tmp_path / 'file.pth', weights_only=True)
    assert loaded['meta'] == dict(time='now', score=3., colours=[0, 1, 2])
    hook.after_load_checkpoint(runner, loaded)
    back = loaded['message_hub']['log_scalars']['loss']
    assert back.mean() == buffer.mean() == 7 / 4 and back.max_length == 5 and back.current() == 4


def test_validation_may_count_in_any_order():
    hook = ValidationDeterminismHook()
    torch.use_deterministic_algorithms(True)
    try:
        hook.before_val(None)
        assert not torch.are_deterministic_algorithms_enabled()
        hook.after_val(None)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    hook.before_val(None)
    hook.after_val(None)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize('interval, expected', [(None, 7), (3, 3)])
def test_without_an_interval_files_follow_validations(runner, interval, expected):
    runner.train_loop = SimpleNamespace(val_interval=7)
    hook = AtomicCheckpointHook(interval, by_epoch=False)
    hook.before_train(runner)
    assert hook.interval == expected
