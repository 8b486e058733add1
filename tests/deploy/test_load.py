"""One way to a filled segmentor, and what it says about its data however they are wrapped."""
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import load_checkpoint
from mmseg.registry import MODELS

from segfusion.deploy import load, load_segmentor
from segfusion.deploy.load import dataset_meta, image_pipeline

HERE = 'configs/gff/gff_r18-d8_flow_1xb4-1k_street-scenes-192x256.py'
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='CheckLabels', num_classes=2),
            dict(type='PackSegInputs')]


def wrapped(**leaf):
    """A set inside a set inside a set; the second half is never asked."""
    leaf = dict(type='StreetScenes', pipeline=PIPELINE, **leaf)
    joined = dict(type='ConcatDataset', datasets=[leaf, dict(type='CamVidDataset', pipeline=[])])
    return Config(dict(test_dataloader=dict(dataset=dict(type='RepeatDataset', times=2, dataset=joined))))


def test_classes_and_pipeline_of_joined_data_sets():
    meta = dataset_meta(wrapped(metainfo=dict(classes=('road', 'rest'))), 2)
    assert meta['classes'] == ('road', 'rest') and meta['palette'][0] == dataset_meta(wrapped(), 11)['palette'][0]
    assert [step['type'] for step in image_pipeline(wrapped())] == ['LoadImageFromFile', 'PackSegInputs']
    assert dataset_meta(Config(), 2)['classes'] == ['class 0', 'class 1']
    assert [step['type'] for step in image_pipeline(Config())] == ['LoadImageFromFile', 'PackSegInputs']


@pytest.fixture
def config(request):
    config = Config.fromfile(request.config.rootpath / HERE)
    config.merge_from_dict({
        'model.backbone.base_channels': 8, 'model.backbone.stem_channels': 8,
        'model.decode_head.in_channels': [8, 16, 32, 64], 'model.decode_head.channels': 8,
        'model.decode_head.merge_channels': 8, 'model.auxiliary_head.in_channels': 32,
        'model.auxiliary_head.channels': 8})
    return config


def test_a_file_is_read_once_and_fills_every_tensor(config, tmp_path, monkeypatch):
    reads = []
    monkeypatch.setattr(load, 'load_checkpoint', lambda *a, **k: reads.append(a[1]) or load_checkpoint(*a, **k))
    state = revert_sync_batchnorm(MODELS.build(config.model)).state_dict()
    state = {name: torch.rand_like(value) if value.is_floating_point() else value for name, value in state.items()}
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=dict(classes=['a'] * 11))), tmp_path / 'full.pth')
    model = load_segmentor(config, str(tmp_path / 'full.pth'))
    assert reads == [str(tmp_path / 'full.pth')] and not model.training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert model.dataset_meta == dict(classes=['a'] * 11)
    del state['decode_head.conv_seg.bias']
    torch.save(state, tmp_path / 'less.pth')
    with pytest.raises(ValueError, match=r'1 tensors missing \(decode_head.conv_seg.bias\)'):
        load_segmentor(config, str(tmp_path / 'less.pth'))
