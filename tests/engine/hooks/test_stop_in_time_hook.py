import time

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from segfusion.engine.hooks import OUT_OF_TIME, StopInTimeHook

SGD = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9))


class Noisy(BaseModel):
    """A regression with dropout, whose steps may take time."""
    wait = 0.

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))

    def forward(self, inputs, mode='tensor'):
        time.sleep(self.wait)
        return dict(loss=self.layers(torch.stack(inputs)).square().mean())


def runner(folder, until=None, **changes):
    torch.manual_seed(0)
    hooks = dict(checkpoint=dict(type='AtomicCheckpointHook', by_epoch=False, interval=3),
                 logger=dict(type='LoggerHook', interval=100))
    if until is not None:
        hooks['stop_in_time'] = dict(type='StopInTimeHook', until=until)
    data = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    return Runner(**dict(dict(
        model=Noisy(), work_dir=str(folder), optim_wrapper=SGD, default_scope='mmseg', default_hooks=hooks,
        param_scheduler=[dict(type='PolyLR', power=0.9, end=4, by_epoch=False)],
        train_dataloader=dict(batch_size=2, num_workers=0, dataset=[dict(inputs=x) for x in data],
                              sampler=dict(type='InfiniteSampler', shuffle=True)),
        train_cfg=dict(type='ReproducibleIterBasedTrainLoop', max_iters=4), randomness=dict(seed=3),
        log_processor=dict(by_epoch=False), log_level='ERROR', experiment_name=f'{folder.name}-{time.time_ns()}'),
        **changes))


def weights(run):
    return {k: v.clone() for k, v in run.model.state_dict().items()}


def test_slices_make_the_training_of_one_piece(tmp_path):
    whole = runner(tmp_path / 'whole')
    whole.train()
    for count in range(1, 5):  # one iteration a slice: the time is always over
        run = runner(tmp_path / 'slices', until=0., resume=count > 1)
        if count < 4:
            with pytest.raises(SystemExit) as end:
                run.train()
            assert end.value.code == OUT_OF_TIME and (tmp_path / 'slices' / f'iter_{count}.pth').exists()
        else:
            run.train()  # what ends anyway is not stopped
    assert all(torch.equal(value, weights(run)[key]) for key, value in weights(whole).items())


def test_there_is_time_until_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(Noisy, 'wait', 0.2)
    run = runner(tmp_path / 'a', until=time.time() + 0.35)
    with pytest.raises(SystemExit):
        run.train()
    assert 1 <= run.iter + 1 < 4 and (tmp_path / 'a' / f'iter_{run.iter + 1}.pth').exists()


def test_what_cannot_be_saved_is_refused_before_it_begins(tmp_path):
    with pytest.raises(ValueError, match='got NoneType'):
        runner(tmp_path / 'a', default_hooks=dict(checkpoint=None, stop=dict(type='StopInTimeHook', until=0))).train()
    with pytest.raises(ValueError, match='EpochBasedTrainLoop'):
        runner(tmp_path / 'b', until=0., train_cfg=dict(by_epoch=True, max_epochs=2), train_dataloader=dict(
            batch_size=2, dataset=list(torch.ones(4, 3)), sampler=dict(type='DefaultSampler'))).train()


def test_a_validation_that_is_due_comes_first(monkeypatch):
    from types import SimpleNamespace as Some
    saved = []
    hook = StopInTimeHook(0.)
    hook.saver = Some(every_n_train_iters=lambda *args: False, interval=1, save_begin=0, _save_checkpoint=saved.append)
    loop = Some(max_iters=100, val_interval=5)
    run = Some(iter=4, train_loop=loop, val_loop=object(), logger=Some(info=print))
    hook.after_train_iter(run, 4)
    assert not saved
    run.iter = 5
    with pytest.raises(SystemExit):
        hook.after_train_iter(run, 5)
    assert saved == [run]
