"""The studies we ship expand, and every network in them can be built."""
import importlib.util
import json
import re
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

from segfusion.diagnosis.race import ResultFile
from segfusion.models.segmentors.fitted_encoder_decoder import run_levels
from segfusion.study.command import main
from segfusion.study.configs import lasting_fingerprints, merged_configs
from segfusion.study.plan import load_study
from segfusion.study.state import DONE, Folder, State
from segfusion.study.summary import summarise

ROOT = Path(__file__).parents[2]
STUDIES = [p for p in sorted(ROOT.glob('projects/*/study*.py')) if p.parent.name != 'camvid_classics']  # whole configs


@pytest.mark.parametrize('path', STUDIES, ids=lambda p: f'{p.parent.name}-{p.stem}')
def test_every_choice_reaches_the_head(path):
    study = load_study(path)
    configs = merged_configs(study)
    for _group, members in study.groups.items():
        choices = members[0].choices
        if sum(choices[axis] != study.baseline[axis] for axis in study.axes) > 1:
            continue
        model = configs[members[0].name].model
        head, backbone = model.decode_head, MODELS.build(model.backbone)
        channels = [level.shape[1] for level in run_levels(backbone)]
        built = MODELS.build(dict(head, in_channels=head.in_channels or channels, norm_cfg=dict(type='BN'))).eval()
        levels = [torch.randn(1, c, 16 // 2**i, 24 // 2**i) for i, c in enumerate(channels)]
        with torch.no_grad():
            assert torch.isfinite(built(levels)).all()
        found = dict(type=built, context=built.context)
        if hasattr(built, 'fusions'):
            found.update(align=built.aligns[0], fusion=built.fusions[0])
        for axis, choice in choices.items():
            change = study.axes[axis][choice]
            wanted = {} if isinstance(change, Path) else change.get('model', {})  # a path: another base
            if axis == 'trunk' and wanted:
                assert type(backbone).__name__ == wanted['backbone']['type'].split('.')[-1]
            head = wanted.get('decode_head', {})
            for part in found.keys() & head.keys():
                assert type(found[part]).__name__ == (head[part] if part == 'type' else head[part]['type'])


def test_the_worked_example_of_the_readme(tmp_path):
    text = (ROOT / 'projects' / 'fusion_grid' / 'README.md').read_text()
    example = re.search(r'```python\n(.*?)```', text, re.S).group(1)
    (tmp_path / 'study.py').write_text(example.replace('../../configs', (ROOT / 'configs').as_posix()))
    configs = merged_configs(load_study(tmp_path))
    assert len(configs) == 18
    assert configs['channel_r34_seed2'].model.decode_head.fusion.gate_channels == 'channels'
    assert configs['channel_r34_seed2'].model.backbone.depth == 34


def test_the_shipped_grid_is_planned(capsys):
    assert main([str(ROOT / 'projects' / 'fusion_grid'), '--dry-run']) == 0
    text = capsys.readouterr().out
    assert text.count('\n  train   mim train mmseg') == 16 and 'bilinear_sum_pyramid_seed0 (baseline)' in text


def test_networks_of_camvid_share_one_recipe():
    study = load_study(ROOT / 'projects' / 'camvid_classics')
    configs = merged_configs(study)
    assert len(study.groups) == 8 and all(m.config for m in study.members)
    recipes = [{key: configs[members[0].name][key] for key in ('optim_wrapper', 'param_scheduler', 'train_dataloader',
                                                               'train_cfg', 'test_evaluator')}
               for members in study.groups.values()]
    assert all(recipe == recipes[0] for recipe in recipes)
    assert not any('Pretrained' in str(config.model) for config in configs.values())


def test_the_trunk_grid_is_planned(capsys):
    assert main([str(ROOT / 'projects' / 'trunk_grid'), '--dry-run']) == 0
    text = capsys.readouterr().out
    assert text.count('\n  train   mim train ') == 48 and 'mit-b0_bilinear_seed0 (baseline)' in text


def script(name):
    spec = importlib.util.spec_from_file_location('analyse', ROOT / 'projects' / name / 'analyse.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_evidence_keeps_what_was_found_on_other_machines_unless_the_config_changed(tmp_path):
    study = load_study(ROOT / 'projects' / 'alignment_evidence')
    configs = merged_configs(study)
    fingerprints = lasting_fingerprints(configs['flow_seed1'], study.checkpoint)
    kept = dict(flow_seed1=dict(fingerprints=fingerprints, trained='', found=dict(scores=1)),
                flow_seed2=dict(fingerprints=fingerprints, trained='', found=dict(scores=2)))
    path = tmp_path / 'displacement.json'
    path.write_text(json.dumps(kept))
    found = script('alignment_evidence').look(study, configs, tmp_path, path)
    assert found == dict(flow_seed1=dict(scores=1))


def test_tables_of_the_evidence_are_means_over_seeds_and_paired_differences(tmp_path):
    analyse = script('alignment_evidence')
    study = load_study(ROOT / 'projects' / 'alignment_evidence')
    scores = dict(bilinear_seed0=40., bilinear_seed1=42., flow_seed0=41., flow_seed1=44.)
    found = dict(bilinear={}, flow={})
    for name, score in scores.items():
        folder, metrics = Folder(tmp_path, name), dict.fromkeys(analyse.SCORES, score)
        folder.write(State(status=DONE))
        (folder.test / 'a').mkdir(parents=True)
        (folder.test / 'a' / 'a.json').write_text(json.dumps(metrics))
        field = dict(dict.fromkeys(('length', 'away', 'cosine'), [score / 10] * 8 + [None]), scale=4.)
        group, seed = name.split('_seed')
        found[group][int(seed)] = dict(scores=dict.fromkeys(metrics, 2 * score),
                                       profiles=dict(up=field) if group == 'flow' else {})
    file = ResultFile(None, 'analyse.py')
    analyse.tables(file, summarise(study, tmp_path), found)
    made = {name: table['rows'] for name, table in file.content['tables'].items()}
    assert [row[:3] for row in made['scores']] == [['bilinear', 2, '41.00 ± 1.41'], ['flow', 2, '42.50 ± 2.12']]
    assert [row[:4] for row in made['differences']] == [['flow', '360x480', 2, '+1.50 ± 0.71'],
                                                        ['flow', '180x240', 2, '+3.00 ± 1.41']]
    assert made['length'] == [['flow', 'up', 4., *['4.25 ± 0.21'] * 8, None]]
