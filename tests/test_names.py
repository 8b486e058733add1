"""Misspelt names are answered with the nearest registered one and where it is; right ones are let pass."""
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import nn

from custom_modules.align import FlowAlign
from custom_modules.decode_heads import SFNetHead, SideOutputHeads
from custom_modules.diagnosis.preflight import config_and_options, refuse_misspelt_names
from custom_modules.names import accepted_arguments, build_part, check_names, folder_slot
from custom_modules.optional import lacking

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(p for p in ROOT.glob('configs/*/*.py') if p.parent.name != '_base_')
SHARED = dict(channels=8, align_corners=False)


def test_a_right_part_is_built_as_by_the_registry():
    part = build_part('align', dict(type='FlowAlign', mid_channels=3), None, SHARED)
    assert type(part) is FlowAlign
    assert build_part('align', dict(type=FlowAlign), None, SHARED).state_dict().keys() == part.state_dict().keys()


@pytest.mark.parametrize('cfg, error, message', [
    ('FlowAlign', TypeError, r"align of Identity: expected dict\(type='FlowAlign'\), got 'FlowAlign'"),
    (dict(channels=3), TypeError, r"expected dict\(type='...', ...\), got \{'channels': 3\}"),
    (dict(type='FlowAlgin'), ValueError, r"'FlowAlgin' is not registered; did you mean 'FlowAlign' "
     r"\(custom_modules\.align\.flow\)\? Ours for align=: BilinearAlign, DeformableAlign, DualOffsetAlign, FlowAl"),
    (dict(type='Qwertz'), ValueError, 'is the module that defines it in custom_imports'),
    (dict(type='SumFusion'), ValueError, 'SumFusion answers "WHERE is each level informative[?]", so it belongs in '
     'fusion='),
    (dict(type='FlowAlign', mid_chanels=3), TypeError, r"FlowAlign \(custom_modules\.align\.flow\) takes no argument "
     "'mid_chanels'; did you mean 'mid_channels'"),
])
def test_wrong_parts(cfg, error, message):
    with pytest.raises(error, match=message):
        build_part('align', cfg, nn.Identity(), SHARED)


def test_own_parts_of_users_fit_any_slot():
    @MODELS.register_module(force=True)
    class UsersAlign(nn.Module):

        def __init__(self, **kwargs):
            super().__init__()

    try:
        assert folder_slot(UsersAlign) is None
        build_part('align', dict(type='UsersAlign', anything=1), None, {})
    finally:
        MODELS.module_dict.pop('UsersAlign')


def test_arguments_are_collected_through_the_bases():
    accepted = accepted_arguments(SFNetHead)
    assert {'align', 'lateral_bias', 'num_classes', 'loss_decode', 'in_index', 'init_cfg'} <= accepted
    assert 'self' not in accepted and 'kwargs' not in accepted


def test_no_config_of_ours_is_refused():
    configs = {p.name: Config.fromfile(p) for p in CONFIGS}
    wrong = {name: check_names(config) for name, config in configs.items() if not lacking(config)}
    assert len(wrong) > 80
    assert {name: problems for name, problems in wrong.items() if problems} == {}


def test_arguments_that_go_elsewhere_are_not_judged():
    # its **kwargs are those of SideOutputHead, not of its base ModuleList
    assert accepted_arguments(SideOutputHeads) is None
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
    ('default_hooks.label_audit.type', 'LabelAudithook', "'LabelAuditHook' .custom_modules.hooks"),
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
