"""A training stops before its first iteration if labels and heads do not fit."""
import logging
from types import SimpleNamespace

import pytest
from mmseg.registry import DATASETS, HOOKS
from torch import nn


class Head(nn.Module):

    def __init__(self, num_classes):
        super().__init__()
        self.num_classes, self.loss_decode = num_classes, nn.Identity()


class Model(nn.Module):

    def __init__(self, num_classes):
        super().__init__()
        self.decode_head = Head(num_classes)


@pytest.fixture
def runner(tmp_path):

    def build(num_classes, val=True):
        dataset = DATASETS.build(
            dict(type='StreetScenes', split='val', num_images=3, size=(32, 48), data_root=str(tmp_path),
                 pipeline=[dict(type='LoadAnnotations')]))
        loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
        return SimpleNamespace(model=Model(num_classes), train_loop=loop, val_loop=loop if val else None,
                               logger=logging.getLogger('audit'))

    return build


def test_right_labels_are_reported(runner, caplog):
    with caplog.at_level(logging.INFO):
        HOOKS.build(dict(type='LabelAuditHook')).before_train(runner(11))
    lines = [r.message for r in caplog.records if 'label audit' in r.message]
    assert [line.split(' (')[1].split(')')[0] for line in lines] == ['training', 'validation']
    assert '3 of 3 masks of StreetScenes fit 11 classes and 1 heads' in lines[0]


def test_wrong_heads_stop_the_training_unless_switched_off(runner):
    with pytest.raises(ValueError, match=r'num_classes of decode_head is 2, but StreetScenes has 11 classes'):
        HOOKS.build(dict(type='LabelAuditHook')).before_train(runner(2, val=False))
    HOOKS.build(dict(type='LabelAuditHook', num_samples=0)).before_train(runner(2))
    with pytest.raises(ValueError, match='num_samples of at least 0'):
        HOOKS.build(dict(type='LabelAuditHook', num_samples=-1))
