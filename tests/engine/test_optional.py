"""What is optional is named, with the remedy, before anything fails in the depths of mmseg."""
import importlib
from pathlib import Path

import pytest
from mmengine.config import Config

from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.live import _needs
from segfusion.diagnosis.preflight import refuse_misspelt_names
from segfusion.engine import optional
from segfusion.engine.names import check_names
from segfusion.engine.optional import REMEDY, lacking
from tests.references.shipped import load

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(p for p in ROOT.glob('configs/*/*.py') if p.parent.name != '_base_')
OPS = {'ccnet', 'point_rend'}
MMDET = {'maskformer'}
TIMM = 'model.backbone (TIMMBackbone) needs timm, which is not installed here'


@pytest.fixture
def nothing(monkeypatch):
    """As if neither operators nor mmdetection were there."""
    monkeypatch.setattr(optional, 'has_compiled_ops', lambda: False)
    monkeypatch.setattr(optional, 'has_mmdet', lambda: False)


def test_only_these_configs_need_more(nothing):
    found = {}
    for path in CONFIGS:
        for sentence in lacking(load(path)):
            found.setdefault(path.parent.name, set()).add(sentence)
    assert set(found) == OPS | MMDET
    assert found['ccnet'] == {
        f"model.decode_head (CCHead) needs mmcv's compiled operators, which are not installed here: {REMEDY}"}
    assert found['point_rend'] == {
        f"model.decode_head.1 (PointHead) needs mmcv's compiled operators, which are not installed here: {REMEDY}"}
    assert found['maskformer'] == {'model.decode_head (MaskFormerHead) needs mmdetection and mmcv\'s compiled '
                                   f'operators, which are not installed here: {REMEDY}'}


def test_timm_is_named_with_its_own_remedy(monkeypatch):
    monkeypatch.setattr(optional, 'has_timm', lambda: False)
    configs = [load(p) for p in CONFIGS if '_timm-' in p.stem]
    assert len(configs) == 5
    assert all(lacking(config) == [f"{TIMM}: pip install 'segfusion[timm]'"] for config in configs)
    assert _needs(dict(cfg=configs[0])) == (TIMM, 'error', "pip install 'segfusion[timm]'")


def test_nothing_is_lacking_where_it_is_there(monkeypatch):
    monkeypatch.setattr(optional, 'has_compiled_ops', lambda: True)
    monkeypatch.setattr(optional, 'has_mmdet', lambda: True)
    assert not any(lacking(load(p)) for p in CONFIGS if p.parent.name in OPS | MMDET)


def test_operators_in_a_backbone_and_names_of_mmdet(nothing):
    (sentence, ) = lacking(dict(model=dict(backbone=dict(type='ResNet', dcn=dict(type='DCNv2')))))
    assert sentence.startswith('model.backbone.dcn (DCNv2) needs')
    (sentence, ) = lacking(dict(model=dict(neck=[dict(type='mmdet.ChannelMapper'), dict(type='mmdet.FPN')])))
    assert sentence.startswith('model.neck.0 (mmdet.ChannelMapper) needs mmdetection')
    assert lacking(dict(model=dict(type='EncoderDecoder'), neck=dict(type='mmdet.FPN'))) == []


@pytest.mark.parametrize('folder', sorted(OPS | MMDET))
def test_commands_say_so_before_anything_is_built(nothing, folder):
    path = next((ROOT / 'configs' / folder).glob('*.py'))
    config = Config.fromfile(path)
    assert check_names(config) == lacking(config)
    text, status, fix = _needs(dict(cfg=config))
    assert status == 'error' and fix == REMEDY and REMEDY not in text and text.endswith('not installed here')
    with pytest.raises(RuntimeError, match='tools/compiled_ops.sh'):
        build_segmentor(config)
    with pytest.raises(SystemExit, match='tools/compiled_ops.sh'):
        refuse_misspelt_names([str(path)])


def test_what_is_there_is_what_can_be_imported():
    for name, there in (('mmcv.ops', optional.has_compiled_ops()), ('mmdet.models', optional.has_mmdet())):
        if there:
            assert importlib.import_module(name)
        else:
            with pytest.raises((ModuleNotFoundError, AssertionError)):
                importlib.import_module(name)


def test_the_package_needs_none_of_it():
    for path in (ROOT / 'custom_modules' / 'segfusion').rglob('*.py'):
        text = path.read_text()
        assert 'import mmdet' not in text and 'from mmdet' not in text, path
        assert 'import mmcv.ops' not in text and 'from mmcv.ops' not in text, path
