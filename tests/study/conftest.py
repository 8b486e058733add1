import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segfusion.study.configs import merged_configs, write_configs
from segfusion.study.launch import Launcher
from segfusion.study.plan import load_study
from segfusion.study.progress import Progress
from segfusion.study.run import Scheduler

BASE = """
default_scope = 'mmseg'
model = dict(
    type='EncoderDecoder', data_preprocessor=dict(size=(64, 96)),
    decode_head=dict(
        type='TopDownHead', align=dict(type='DeformableAlign', kernel_size=3), fusion=dict(type='SumFusion')))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100)
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
"""
STUDY = """
title = 'A <toy>'
base = 'base.py'
axes = dict(
    align=dict(
        deform=None,
        flow={'model.decode_head.align': dict(_delete_=True, type='FlowAlign')}),
    fusion=dict(
        sum=dict(),
        gate=dict(model=dict(decode_head=dict(fusion=dict(type='DuplexGateFusion'))))))
seeds = [0, 1]
exclude = [dict(align='flow', fusion='gate')]
baseline = dict(align='deform')
"""


@pytest.fixture
def write(tmp_path):
    """Writes a base config and a study file, the study's text changed by replacements, and loads it."""
    def write(text=STUDY, **replace):
        for old, new in replace.items():
            assert old in text
            text = text.replace(old, new)
        folder = tmp_path / 'toy'
        folder.mkdir(exist_ok=True)
        (folder / 'base.py').write_text(BASE)
        (folder / 'study.py').write_text(text)
        return load_study(folder)

    return write


class FakeLauncher(Launcher):
    """Calls ``fake_mim.py`` instead of ``mim``."""

    def train(self, config, folder, resume):
        return self._fake('train', config, folder.train, *['--resume'] * resume)

    def test(self, config, folder, checkpoint):
        return self._fake('test', config, folder.test, '--checkpoint', checkpoint)

    @staticmethod
    def _fake(stage, config, work_dir, *more):
        fake = Path(__file__).with_name('fake_mim.py')
        return [sys.executable, '-S', str(fake), stage, str(config), str(work_dir), *map(str, more)]


@pytest.fixture
def make(tmp_path):
    """A scheduler of a study whose members behave as told: name of a member -> what its fake command reads."""
    def make(study, jobs=2, name='out', **behave):
        configs = merged_configs(study)
        out = tmp_path / name
        write_configs(study, out / 'configs')
        for name, what in behave.items():
            (out / 'configs' / f'{name}.behave').write_text(json.dumps(what))
        scheduler = Scheduler(study, out, configs, FakeLauncher(jobs=jobs), Progress({}, jobs, live=False))
        scheduler.pause = 0.02
        return scheduler

    return make


@pytest.fixture
def camvid(tmp_path):
    """CamVid's folders with three images of 45x60 a split, whose colours are their labels."""
    rng = np.random.default_rng(0)
    for split in ('train', 'val', 'test'):
        for folder in (split, f'{split}annot'):
            (tmp_path / folder).mkdir()
        for i in range(3):
            label = rng.integers(0, 12, (45, 60), dtype=np.uint8)  # 11 is void
            Image.fromarray(label).save(tmp_path / f'{split}annot' / f'{i}.png')
            Image.fromarray(np.stack([label * 20] * 3, -1)).save(tmp_path / split / f'{i}.png')
    return tmp_path
