"""The studies we ship expand, and every network in them can be built."""
import re
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

from segfusion.models.segmentors.fitted_encoder_decoder import run_levels
from segfusion.study.command import main
from segfusion.study.configs import merged_configs
from segfusion.study.plan import load_study

ROOT = Path(__file__).parents[2]
STUDIES = sorted(ROOT.glob('projects/*/study*.py'))


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
            wanted = study.axes[axis][choice].get('model', {})
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


def test_the_trunk_grid_is_planned(capsys):
    assert main([str(ROOT / 'projects' / 'trunk_grid'), '--dry-run']) == 0
    text = capsys.readouterr().out
    assert text.count('\n  train   mim train ') == 48 and 'mit-b0_bilinear_seed0 (baseline)' in text
