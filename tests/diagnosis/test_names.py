"""Names of whole configs: misspelt ones are answered with the nearest right one, shipped ones pass."""
import re
from pathlib import Path

import pytest
from mmengine.config import Config

from segfusion.diagnosis.preflight import config_and_options, refuse_misspelt_names
from segfusion.engine.names import check_names
from segfusion.engine.optional import lacking
from tests.references.shipped import load

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(p for p in ROOT.glob('configs/*/*.py') if p.parent.name != '_base_')


def test_no_config_of_ours_is_refused():
    configs = {p.name: load(p) for p in CONFIGS}
    wrong = {name: check_names(config) for name, config in configs.items() if not lacking(config)}
    assert len(wrong) > 80
    assert {name: problems for name, problems in wrong.items() if problems} == {}


def test_a_package_that_is_not_installed_is_named():
    assert check_names(dict(model=dict(type='mmdet_that_is_not_here.Detector'))) == [
        "model.type: 'mmdet_that_is_not_here.Detector' is of the package mmdet_that_is_not_here, which is not installed"
    ]


@pytest.mark.parametrize('path, value, message', [
    ('model.backbone.type', 'DepStemResNet', "model.backbone.type: 'DepStemResNet' .*'DeepStemResNet'"),
    ('model.decode_head.allign', dict(type='BilinearAlign'), "model.decode_head: SFNetHead .* 'allign'; .*'align'"),
    ('model.decode_head.loss_decode.type', 'OHEMlos', "loss_decode.type: 'OHEMlos' .*'OHEMLoss'"),
    ('train_dataloader.dataset.type', 'StreetScene', "dataset.type: 'StreetScene' .*'StreetScenes'"),
    ('train_dataloader.sampler.type', 'InfinitSampler', "sampler.type: 'InfinitSampler' .*'InfiniteSampler'"),
    ('train_dataloader.dataset.pipeline.0.type', 'LoadImageFromFiles', r"pipeline\.0\.type.*'LoadImageFromFile'"),
    ('train_dataloader.dataset.numimages', 3, "StreetScenes .* no argument 'numimages'; did you mean 'num_images'"),
    ('default_hooks.label_audit.type', 'LabelAudithook', "'LabelAuditHook' .segfusion.engine.hooks"),
    ('model.decode_head.fusion', dict(type='MyBrilliantIdea'), "'MyBrilliantIdea' is not registered; is the module"),
    ('model.decode_head.act_cfg.type', 'Relu', "'Relu' is not registered; did you mean 'ReLU'"),
    ('optim_wrapper.optimizer.type', 'SDG', "optimizer.type: 'SDG' is not registered"),
    ('val_evaluator.type', 'IouMetrics', "val_evaluator.type: .*'IoUMetric'"),
])
def test_misspelt_names_of_a_whole_config(path, value, message):
    config = Config.fromfile(ROOT / 'configs/sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py')
    config.merge_from_dict({path: value})
    (problem, ) = check_names(config)
    assert re.search(message, problem), problem


def test_preflight_reads_the_command_line(tmp_path):
    config = str(CONFIGS[0])
    found = config_and_options([config, '--cfg-options', 'a=1', 'b.c=2', '--work-dir', 'x'])
    assert found == [config, ['a=1', 'b.c=2']]
    refuse_misspelt_names([config])
    refuse_misspelt_names(['-h'])
    with pytest.raises(SystemExit, match='did you mean'):
        refuse_misspelt_names([config, '--cfg-options', 'model.type=EncoderDecodre'])
