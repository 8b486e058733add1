"""A training stops before its first iteration if labels and heads do not fit."""
import logging
from types import SimpleNamespace

import pytest
from mmseg.registry import DATASETS, HOOKS
from torch import nn

from segfusion.engine.hooks import label_audit_hook


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
    assert '3 of 3 images and masks of StreetScenes fit 11 classes and 1 heads' in lines[0]


def test_wrong_heads_stop_the_training_unless_switched_off(runner):
    with pytest.raises(ValueError, match=r'num_classes of decode_head is 2, but StreetScenes has 11 classes'):
        HOOKS.build(dict(type='LabelAuditHook')).before_train(runner(2, val=False))
    HOOKS.build(dict(type='LabelAuditHook', num_samples=0)).before_train(runner(2))
    with pytest.raises(ValueError, match='num_samples of at least 0'):
        HOOKS.build(dict(type='LabelAuditHook', num_samples=-1))


def test_one_process_looks_and_all_stop(runner, monkeypatch):
    looked, sent = [], []
    audit = label_audit_hook.audit_dataset
    monkeypatch.setattr(label_audit_hook, 'audit_dataset', lambda *a, **k: looked.append(1) or audit(*a, **k))
    monkeypatch.setattr(label_audit_hook, 'broadcast_object_list', lambda data: sent.append(data[0]))
    with pytest.raises(ValueError, match='num_classes of decode_head is 2'):
        HOOKS.build(dict(type='LabelAuditHook')).before_train(runner(2))
    assert looked == [1] and 'num_classes of decode_head is 2' in sent[0]
    monkeypatch.setattr(label_audit_hook, 'is_main_process', lambda: False)
    monkeypatch.setattr(label_audit_hook, 'broadcast_object_list', lambda data: data.__setitem__(0, sent[0]))
    with pytest.raises(ValueError, match='num_classes of decode_head is 2'):  # of a model that would fit
        HOOKS.build(dict(type='LabelAuditHook')).before_train(runner(11))
    assert looked == [1]


def test_an_error_of_the_audit_itself_reaches_the_others(runner, monkeypatch):
    sent = []

    def lost(*args, **kwargs):
        raise OSError('the disk is gone')

    monkeypatch.setattr(label_audit_hook, 'audit_dataset', lost)
    monkeypatch.setattr(label_audit_hook, 'broadcast_object_list', lambda data: sent.append(data[0]))
    with pytest.raises(ValueError, match='the disk is gone') as error:
        HOOKS.build(dict(type='LabelAuditHook')).before_train(runner(11))
    assert sent == ['the disk is gone'] and isinstance(error.value.__cause__, OSError)
