from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from segfusion.engine.hooks import TrainOnlyHook


def runner():
    model = nn.Module()
    model.network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model.fixed = nn.Parameter(torch.ones(1), requires_grad=False)
    model.refiner = nn.Linear(2, 2)
    return SimpleNamespace(model=model.train(), iter=0, logger=MMLogger.get_instance('test'))


def test_only_the_prefix_trains_at_first_then_everything():
    run = runner()
    hook = TrainOnlyHook('refiner.', 3)
    hook.before_train(run)
    optimizer = torch.optim.SGD(run.model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    before = {k: v.clone() for k, v in run.model.state_dict().items()}
    for run.iter in range(5):
        hook.before_train_iter(run, run.iter)
        optimizer.zero_grad()
        run.model.refiner(run.model.network(torch.randn(4, 2))).square().sum().backward()
        optimizer.step()
        moved = {k for k, v in run.model.state_dict().items() if not torch.equal(v, before[k])}
        if run.iter < 3:
            assert moved == {'refiner.weight', 'refiner.bias'}
        run.model.train()  # as validation does
    assert 'network.0.weight' in moved and 'network.1.running_mean' in moved
    assert not run.model.fixed.requires_grad  # what was fixed by the config stays fixed


def test_unknown_prefix_is_refused():
    with pytest.raises(ValueError, match="no parameter starts with 'crf.'"):
        TrainOnlyHook('crf.').before_train(runner())
