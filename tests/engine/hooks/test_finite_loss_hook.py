"""A training stops at its first NaN, and what it has saved before stays good."""
import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from segfusion.engine.hooks import FiniteLossHook


class Line(BaseModel):
    """Fits w x; the sample 666 gives NaN, the sample 777 a finite loss with an infinite gradient."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(1))

    def forward(self, x, mode='loss'):
        loss = (self.w * x.float()).square().mean() * 1e-8
        if 666 in x:
            loss = loss * float('nan')
        if 777 in x:
            loss = loss + (self.w - self.w.detach()).abs().sqrt().sum()
        return dict(loss_fit=loss, loss_other=torch.tensor(2.))


def train(tmp_path, samples, **hook):
    samples = [dict(x=torch.tensor(sample)) for sample in samples]
    loader = DataLoader(samples, sampler=DefaultSampler(samples, shuffle=False))
    runner = Runner(
        Line(), str(tmp_path), train_dataloader=loader, train_cfg=dict(by_epoch=False, max_iters=len(samples)),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)), default_scope='mmseg',
        experiment_name=f'{tmp_path.name}', default_hooks=dict(
            finite_loss=dict(type='FiniteLossHook', **hook) if hook.pop('on', True) else None,
            checkpoint=dict(type='AtomicCheckpointHook', by_epoch=False, interval=1, max_keep_ckpts=2)))
    runner.train()
    return runner


def saved(tmp_path):
    return {path.name: torch.load(path, weights_only=True)['state_dict']['w'].item()
            for path in sorted(tmp_path.glob('iter_*.pth'))}


def test_training_stops_at_the_first_nan_and_keeps_the_good_checkpoints(tmp_path):
    with pytest.raises(FloatingPointError, match=r'at iteration 4: loss nan, loss_fit nan, loss_other 2\. The last '
                                                 r'good checkpoint is .*iter_3\.pth'):
        train(tmp_path, [1., 2., 3., 666., 5., 6., 7.])
    kept = saved(tmp_path)
    assert list(kept) == ['iter_2.pth', 'iter_3.pth'] and all(0.9 < w <= 1 for w in kept.values())


def test_without_it_bad_checkpoints_push_out_the_good(tmp_path):
    """What mmengine does, and how the hook is switched off."""
    train(tmp_path, [1., 2., 3., 666., 5., 6., 7.], on=False)
    kept = saved(tmp_path)
    assert list(kept) == ['iter_6.pth', 'iter_7.pth'] and all(w != w for w in kept.values())


def test_weights_spoilt_by_a_finite_loss_are_never_saved(tmp_path):
    with pytest.raises(FloatingPointError, match=r'1 tensors of the network hold NaN or infinity, e\.g\. w\. The last '
                                                 r'good checkpoint is .*iter_2\.pth'):
        train(tmp_path, [1., 2., 777., 4.])
    assert list(saved(tmp_path)) == ['iter_1.pth', 'iter_2.pth'] and all(w == w for w in saved(tmp_path).values())
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')


class Scaled:
    """What the hook asks of an AmpOptimWrapper, which needs a GPU."""
    loss_scaler = SimpleNamespace(is_enabled=lambda: True)


def after(hook, losses, wrapper=None, iteration=0):
    hub = MessageHub.get_instance('finite')
    for name, value in losses.items():
        hub.update_scalar(f'train/{name}', value)
    runner = SimpleNamespace(message_hub=hub, iter=iteration, work_dir='.', logger=logging.getLogger('finite'),
                             optim_wrapper=wrapper or SimpleNamespace())
    hook.after_train_iter(runner, 0, outputs=losses)


def test_steps_that_a_scaler_skips_are_let_pass(caplog):
    hook = FiniteLossHook(patience=2)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            for loss in (float('inf'), float('nan'), 1.):
                after(hook, dict(loss=loss), Scaled())
    assert 'iteration 1: loss inf; the step is skipped (1 of 2)' in caplog.text
    with pytest.raises(FloatingPointError, match='iteration 9: loss inf, 3 times in a row. There is no earlier'):
        for _ in range(3):
            after(hook, dict(loss=float('inf')), Scaled(), iteration=8)


def test_without_a_scaler_patience_does_not_count():
    with pytest.raises(FloatingPointError, match='iteration 3'):
        after(FiniteLossHook(patience=100), dict(loss=float('-inf')), iteration=2)


def test_other_numbers_may_be_nan():
    after(FiniteLossHook(), dict(loss=1., **{'decode.acc_seg': float('nan')}))


def test_several_processes_stop_together(monkeypatch):
    """One process alone sees the first NaN; had it stopped, the others would wait for its gradients."""
    monkeypatch.setattr('segfusion.engine.hooks.finite_loss_hook.get_world_size', lambda: 2)
    hook = FiniteLossHook()
    after(hook, dict(loss=float('nan')))
    with pytest.raises(FloatingPointError, match='2 times in a row'):
        after(hook, dict(loss=float('nan')))


def test_negative_patience_is_refused():
    with pytest.raises(ValueError, match='patience of at least 0'):
        FiniteLossHook(patience=-1)
