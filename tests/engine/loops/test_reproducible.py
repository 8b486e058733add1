"""Kill a training, resume it, and find what an uninterrupted one gives."""
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import InfiniteSampler
from PIL import Image

from segfusion.engine.hooks import AtomicBackend
from segfusion.engine.loops import SeededDataset, SeededSampler

ROOT = Path(__file__).parents[3]
ITERATIONS = 30
CONFIG = """
_base_ = ['{root}/configs/_base_/schedules/schedule_20k.py', '{root}/configs/_base_/default_runtime.py']
norm = dict(type='BN')
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[127.] * 3, std=[60.] * 3, bgr_to_rgb=True,
                           seg_pad_val=255, size=(32, 48)),
    backbone=dict(type='DeepStemResNet', depth=18, stem_channels=8, base_channels=4, norm_cfg=norm),
    decode_head=dict(type='SFNetHead', in_channels=[4, 8, 16, 32], channels=8, num_classes=11, norm_cfg=norm,
                     dropout_ratio=0.2, loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
            dict(type='RandomResize', scale=(48, 32), ratio_range=(0.8, 2.0), keep_ratio=True),
            dict(type='RandomCrop', crop_size=(32, 48)), dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'), dict(type='PackSegInputs')]
dataset = dict(type='CamVidDataset', data_root='{data}', pipeline=pipeline,
               data_prefix=dict(img_path='train', seg_map_path='trainannot'))
train_dataloader = dict(batch_size=3, num_workers=2, persistent_workers=True, dataset=dataset,
                        sampler=dict(type='InfiniteSampler', shuffle=True))
val_cfg = val_dataloader = val_evaluator = test_cfg = test_dataloader = test_evaluator = None
train_cfg = dict(max_iters={iterations})
default_hooks = dict(checkpoint=dict(interval=4, max_keep_ckpts=1, save_best=None), logger=dict(interval=5))
randomness = dict(seed={seed})
"""


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp('data'), np.random.default_rng(0)
    for name in ('train', 'trainannot'):
        (folder / name).mkdir()
    for i in range(7):
        label = np.kron(rng.integers(0, 11, (4, 6)), np.ones((8, 8))).astype(np.uint8)
        Image.fromarray(label).save(folder / 'trainannot' / f'{i}.png')
        Image.fromarray((label[..., None] * 20 + rng.integers(0, 30, (32, 48, 3))).astype(np.uint8)).save(
            folder / 'train' / f'{i}.png')
    return folder


def start(config, work_dir, *more):
    code = ('import sys, torch, runpy; torch.set_num_threads(1); sys.argv = sys.argv[1:]; '
            'runpy.run_path(sys.argv[0], run_name="__main__")')
    return subprocess.Popen(
        [sys.executable, '-c', code, str(ROOT / 'tools' / 'train.py'), str(config), '--work-dir', str(work_dir), *more],
        cwd=ROOT, env=dict(os.environ, PYTHONPATH=str(ROOT / 'custom_modules'), OMP_NUM_THREADS='1',
                           CUDA_VISIBLE_DEVICES='-1'),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True)


def finish(process):
    output = process.communicate(timeout=240)[0]
    assert process.returncode == 0, output[-3000:]
    return output


def test_a_killed_training_continues_as_if_it_had_not_been(tmp_path, data):
    """SIGKILL at a random moment after the first checkpoint; dropout, augmentation and workers included."""
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(root=ROOT, data=data, iterations=ITERATIONS, seed=3))
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    reference, victim = start(config, whole), start(config, killed)
    until = time.time() + 200
    while not (killed / 'last_checkpoint').exists() and time.time() < until and victim.poll() is None:
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.4))
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    finish(reference)
    saved = Path((killed / 'last_checkpoint').read_text())
    at = torch.load(saved, map_location='cpu', weights_only=True)['meta']['iter']
    assert 4 <= at < ITERATIONS, f'killed at {at}; wanted in the middle'
    config.write_text(CONFIG.format(root=ROOT, data=data, iterations=ITERATIONS, seed=None))  # it is in the checkpoint
    output = finish(start(config, killed, '--resume'))
    assert f'resumed epoch: 0, iter: {at}' in output
    a, b = (torch.load(folder / f'iter_{ITERATIONS}.pth', map_location='cpu', weights_only=True)
            for folder in (whole, killed))
    assert [k for k in a['state_dict'] if not torch.equal(a['state_dict'][k], b['state_dict'][k])] == []
    moments = [o['optimizer']['state'] for o in (a, b)]
    assert all(torch.equal(moments[0][i]['momentum_buffer'], moments[1][i]['momentum_buffer']) for i in moments[0])
    assert [p.name for p in sorted(killed.glob('*.pth'))] == [f'iter_{ITERATIONS}.pth']
    losses = [c['message_hub']['log_scalars']['train/loss']['values'] for c in (a, b)]
    assert torch.equal(*losses) and len(losses[0]) == ITERATIONS


def _save_for_ever(path):
    for i in range(10**6):
        AtomicBackend().put(bytes([i % 256]) * 2**20, path)


def test_a_kill_while_saving_leaves_a_whole_file(tmp_path):
    """Ten writers killed at random moments: every file holds one version, entirely."""
    path = tmp_path / 'iter_1.pth'
    for _ in range(10):
        writer = multiprocessing.get_context('fork').Process(target=_save_for_ever, args=(str(path), ))
        writer.start()
        time.sleep(random.uniform(0.02, 0.06))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 2**20 and len(set(content)) == 1
    assert path.exists()


class Numbers:
    """Gives what its randomness gives."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return index, random.random(), np.random.rand(), torch.rand(()).item()


def draw(workers, skip=0, count=12):
    dataset = SeededDataset(Numbers())
    sampler = SeededSampler(dataset, dict(type='InfiniteSampler'), seed=7)
    sampler.skip(skip)
    loader = iter(torch.utils.data.DataLoader(dataset, sampler=sampler, batch_size=2, num_workers=workers))
    return [tuple(torch.stack(list(part)).tolist() if isinstance(part, tuple) else part.tolist()
                  for part in next(loader)) for _ in range(count)]


def test_data_depend_on_the_position_only():
    """Not on the number of workers, and not on whether what was before has been loaded; nothing comes twice."""
    alone = draw(0)
    assert draw(2) == alone
    assert draw(2, skip=8, count=8) == alone[4:]
    assert len({value for batch in alone for value in batch[1]}) == 24
    inner = InfiniteSampler(range(5), seed=7)
    assert [i for batch in alone for i in batch[0]] == [i for i, _ in zip(inner, range(24))]
