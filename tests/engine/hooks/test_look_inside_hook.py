from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.visualization import LocalVisBackend
from mmseg.registry import HOOKS

from tests.visualization.test_look import model, sample

META = dict(classes=('a', 'b', 'c', 'd', 'e'), palette=[[20 * i] * 3 for i in range(5)])


class Data(list):
    metainfo = META


def runner(tmp_path, backends):
    seen = []
    visualizer = SimpleNamespace(
        _vis_backends=backends, add_image=lambda name, image, step: seen.append((name, image, step)))
    data = SimpleNamespace(dataset=Data([sample(), sample()]))
    return SimpleNamespace(
        model=model(), visualizer=visualizer, val_dataloader=data, iter=12, log_dir=str(tmp_path)), seen


def test_every_second_validation_is_drawn(tmp_path):
    running, seen = runner(tmp_path, dict(a=LocalVisBackend(str(tmp_path))))
    hook = HOOKS.build(dict(type='LookInsideHook', indices=[0, 1], interval=2, show=['prediction', 'gate']))
    running.model.train()
    for running.iter in (12, 24, 36, 48):
        hook.after_val_epoch(running, {})
    assert [(name, step) for name, _, step in seen] == [
        ('look_inside_0000', 24), ('look_inside_0001', 24), ('look_inside_0000', 48), ('look_inside_0001', 48)]
    assert running.model.training and seen[0][1].dtype == np.uint8 and seen[0][1].ndim == 3
    assert np.array_equal(seen[0][1], seen[2][1])  # fixed images of a network that did not change
    assert not (tmp_path / 'look_inside').exists()  # the local back end writes them


def test_without_a_local_back_end_it_writes_itself(tmp_path):
    running, seen = runner(tmp_path, {})
    HOOKS.build(dict(type='LookInsideHook')).after_val_epoch(running)
    assert [p.name for p in (tmp_path / 'look_inside').iterdir()] == ['look_inside_0000_12.png'] and len(seen) == 1


def test_statistics_and_gradients_stay(tmp_path):
    running, _ = runner(tmp_path, {})
    running.model.train()
    before = {k: v.clone() for k, v in running.model.state_dict().items()}
    HOOKS.build(dict(type='LookInsideHook', show=['prediction'])).after_val_epoch(running)
    assert all(torch.equal(v, before[k]) for k, v in running.model.state_dict().items())
    assert all(p.grad is None for p in running.model.parameters())


def test_an_index_beyond_the_data_is_named_before_training(tmp_path):
    running, _ = runner(tmp_path, {})
    running.val_loop = SimpleNamespace()
    HOOKS.build(dict(type='LookInsideHook', indices=[1])).before_train(running)
    with pytest.raises(ValueError, match='there is no sample 2: the data set has 2, numbered 0 to 1'):
        HOOKS.build(dict(type='LookInsideHook', indices=[0, 2])).before_train(running)


def test_errors_tell_what_to_do(tmp_path):
    with pytest.raises(ValueError, match='indices from 0'):
        HOOKS.build(dict(type='LookInsideHook', indices=[]))
    with pytest.raises(ValueError, match='cannot show'):
        HOOKS.build(dict(type='LookInsideHook', show=['flow']))
    running, _ = runner(tmp_path, {})
    with pytest.raises(ValueError, match='there is no sample 5: the data set has 2'):
        HOOKS.build(dict(type='LookInsideHook', indices=[5])).after_val_epoch(running)
