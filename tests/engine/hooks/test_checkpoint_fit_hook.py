import types
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop
from mmseg.models import SegTTAModel
from torch import nn

from segfusion.engine.hooks import CheckpointFitHook

ROOT = Path(__file__).parents[3]


def runner(training=False):
    model = nn.ModuleDict(dict(backbone=nn.Conv2d(3, 4, 1), refiner=nn.Linear(2, 2), auxiliary_head=nn.Linear(3, 1)))
    loop = object.__new__(IterBasedTrainLoop) if training else dict(type='IterBasedTrainLoop')
    return types.SimpleNamespace(model=model, _train_loop=loop)


def load(state, training=False):
    CheckpointFitHook().after_load_checkpoint(runner(training), dict(state_dict=state))


def state(out=4):
    return {'backbone.weight': torch.zeros(out, 3, 1, 1), 'backbone.bias': torch.zeros(out)}


def test_a_fitting_file_passes_without_refiner_and_auxiliary_heads():
    load(state())
    load({f'module.{k}': v for k, v in state().items()})
    load({**state(), 'something.else': torch.zeros(1)})


def test_the_wrapper_of_test_time_augmentation_is_looked_through():
    wrapped = runner()
    wrapped.model.test_step = None  # the wrapper asks for it
    wrapped.model = SegTTAModel(wrapped.model)
    wrapped._train_loop = None
    CheckpointFitHook().after_load_checkpoint(wrapped, dict(state_dict=state()))
    with pytest.raises(ValueError, match=r'1 tensors missing \(backbone.bias\)'):
        CheckpointFitHook().after_load_checkpoint(wrapped, {'backbone.weight': state()['backbone.weight']})


def test_missing_and_differing_tensors_are_named_in_a_test():
    with pytest.raises(ValueError, match=r'0 tensors missing, 2 of another shape \(backbone.weight: file \(5, 3'):
        load(state(out=5))
    with pytest.raises(ValueError, match=r'1 tensors missing \(backbone.bias\).*convert_checkpoint'):
        load({'backbone.weight': state()['backbone.weight']})


def test_training_may_start_from_a_part():
    load({'backbone.weight': state()['backbone.weight']}, training=True)


@pytest.mark.parametrize('path', sorted(ROOT.glob('configs/[!_]*/*.py')), ids=lambda p: p.stem)
def test_every_config_has_ours(path):
    hooks = {hook.type for hook in Config.fromfile(path).default_hooks.values()}
    assert hooks >= {'CheckpointFitHook', 'InitialWeightsHook', 'LabelAuditHook', 'AtomicCheckpointHook'}
