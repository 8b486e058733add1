"""Backbones of timm under our heads; their weights come when a training starts, and no earlier."""
import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS

from tests.references.samples import batch

timm = pytest.importorskip('timm')
ROOT = Path(__file__).parents[3]
CONFIGS = sorted(ROOT.glob('configs/*/*_timm-*.py'))
TINY = dict(type='TIMMBackbone', model_name='mobilenetv3_small_050', features_only=True, out_indices=(1, 2, 3, 4),
            pretrained=False)


def build(path, **backbone):
    model = Config.fromfile(path).model
    model.data_preprocessor.size = (65, 97)
    model.backbone = dict(TINY, **backbone)
    model.decode_head.channels = 16
    if 'merge_channels' in model.decode_head:
        model.decode_head.merge_channels = 16
    if model.get('auxiliary_head', {}).get('type', '').startswith('SideOutput'):
        model.auxiliary_head.update(in_channels=16, channels=16)
    return revert_sync_batchnorm(MODELS.build(model))


def test_there_is_one_for_every_head():
    assert {p.parent.name for p in CONFIGS} == {'sfnet', 'sfnet_lite', 'gff', 'alignseg', 'crf_rnn'}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_another_backbone_is_its_name_alone(path):
    """Channels follow from the dry run; every parameter that a level needs gets a gradient."""
    model = build(path)
    channels = timm.create_model(TINY['model_name'], features_only=True, out_indices=TINY['out_indices'],
                                 pretrained=False).feature_info.channels()
    lite = 'lite' in path.stem
    assert list(model.decode_head.in_channels) == ([channels[i] for i in (0, 2, 3)] if lite else channels)
    data = model.train().data_preprocessor(batch(11, size=(65, 97)), True)
    loss, _ = model.parse_losses(model(**copy.copy(data), mode='loss'))
    loss.backward()
    assert torch.isfinite(loss) and not [n for n, p in model.named_parameters() if p.grad is None]
    with torch.no_grad():
        result = model.eval().test_step(batch(11, n=1, size=(65, 97)))[0]
    assert result.seg_logits.data.shape == (11, 65, 97) and torch.isfinite(result.seg_logits.data).all()


@pytest.fixture
def store(monkeypatch):
    """What timm would fetch: weights by tag, told apart by a constant; the names asked for are noted."""
    asked = []
    create = timm.create_model

    def create_model(model_name, pretrained=False, **kwargs):
        model = create(model_name.split('.')[0], pretrained=False, **kwargs)
        if pretrained:
            asked.append(model_name)
            for value in model.state_dict().values():
                value.fill_(3)
        return model

    monkeypatch.setattr(timm, 'create_model', create_model)
    return asked


def test_weights_are_read_when_a_training_starts_and_fill_the_trunk(store):
    name = f'{TINY["model_name"]}.lamb_in1k'
    model = build(CONFIGS[0], init_cfg=dict(type='Pretrained', checkpoint=f'timm://{name}'))
    assert store == [] and not (model.backbone.timm_model.conv_stem.weight == 3).all()
    model.init_weights()  # as the runner does before training
    assert store == [name]
    assert all((value == 3).all() for value in model.backbone.state_dict().values())


def test_an_unknown_name_is_refused():
    model = MODELS.build(dict(TINY, init_cfg=dict(type='Pretrained', checkpoint='timm://mobilnet_v9')))
    with pytest.raises(RuntimeError, match='mobilnet_v9'):
        model.init_weights()
