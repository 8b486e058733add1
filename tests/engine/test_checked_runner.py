"""What mmseg's tools build from our configs: names are read first, checks can be switched off, CPUs are enough."""
import runpy
import sys
from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import IterTimerHook
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS, RUNNERS

from segfusion.engine.checked_runner import CheckedRunner, ConfigError
from segfusion.engine.hooks import CheckpointFitHook, FiniteLossHook, LabelAuditHook
from tests.references.samples import batch

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'sfnet' / 'sfnet_r18_1xb4-demo_street-scenes-128x192.py'
TOOLS = Path(mmseg.__file__).parent / '.mim' / 'tools'
SIZE = (64, 96)


@pytest.fixture(scope='session')
def scenes(tmp_path_factory):
    return str(tmp_path_factory.mktemp('scenes'))


def config(tmp_path, scenes, **changes):
    """Two iterations of a thin SFNet on four small scenes; dots are written as two underscores."""
    cfg = Config.fromfile(CONFIG)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.model.backbone = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, norm_cfg=dict(type='SyncBN'))
    cfg.model.decode_head.update(in_channels=[8, 16, 32, 64], channels=8)
    cfg.model.auxiliary_head = None
    cfg.merge_from_dict({
        'model.data_preprocessor.size': SIZE, 'train_cfg.max_iters': 2, 'train_cfg.val_interval': 2,
        'default_hooks.checkpoint.interval': 1, 'train_dataloader.batch_size': 2,
        **{f'{split}_dataloader.{key}': value for split in ('train', 'val') for key, value in {
            'num_workers': 0, 'persistent_workers': False, 'dataset.num_images': 4, 'dataset.size': SIZE,
            'dataset.data_root': scenes}.items()},
        **{key.replace('__', '.'): value for key, value in changes.items()}
    })
    return cfg


@pytest.mark.parametrize('path, value, says', [
    ('default_hooks.checkpoint.save_bset', 'mIoU', "AtomicCheckpointHook .* 'save_bset'; did you mean 'save_best'"),
    ('default_hooks.checkpoint.intervall', 9, "'intervall'; did you mean 'interval'"),
    ('default_hooks.timer.intervall', 9, "IterTimerHook .* 'intervall'"),
    ('default_hooks.chekpoint', dict(type='CheckpointHook'), "'chekpoint'; did you mean 'checkpoint'"),
    ('modle', dict(type='EncoderDecoder'), "modle: nothing reads it; did you mean 'model'"),
    ('custom_hook', [dict(type='EMAHook')], "custom_hook: nothing reads it; did you mean 'custom_hooks'"),
    ('val_evaluator.iou_metric', ['mDice'], "IoUMetric .* 'iou_metric'; did you mean 'iou_metrics'"),
    ('test_evaluator.iou_metric', ['mDice'], "'iou_metric'; did you mean 'iou_metrics'"),
    ('model.test_cfg.strid', (8, 8), "model.test_cfg .* 'strid'; did you mean 'stride'"),
    ('optim_wrapper.optimizer.momentun', 0.9, "SGD .* 'momentun'; did you mean 'momentum'"),
    ('optim_wrapper.clip_grad', dict(maxnorm=1), "'maxnorm'; did you mean 'max_norm'"),
    ('optim_wrapper.paramwise_cfg', dict(custom_key={}), "'custom_key'; did you mean 'custom_keys'"),
    ('optim_wrapper.clipgrad', dict(max_norm=1), "'clipgrad'; did you mean 'clip_grad'"),
    ('train_cfg.val_intervall', 9, "IterBasedTrainLoop .* 'val_intervall'; did you mean 'val_interval'"),
    ('val_intervall', 9, "val_intervall: nothing reads it; did you mean 'train_cfg.val_interval'"),
    ('batchsize', 9, "batchsize: nothing reads it; did you mean 'train_dataloader.batch_size'"),
    ('max_iter', 9, "max_iter: nothing reads it"),
    ('lr', 9, "lr: nothing reads it; did you mean 'optim_wrapper.optimizer.lr'"),
    ('train_dataloader.batchsize', 9, "'batchsize'; did you mean 'batch_size'"),
    ('train_dataloader.sampler.shufle', True, "'shufle'; did you mean 'shuffle'"),
    ('param_scheduler.0.powr', 1, "PolyLR .* 'powr'; did you mean 'power'"),
    ('log_processor.windowsize', 1, "LogProcessor .* 'windowsize'; did you mean 'window_size'"),
    ('randomness', dict(sead=1), "'sead'; did you mean 'seed'"),
    ('env_cfg.cudnn_bechmark', True, "'cudnn_bechmark'; did you mean 'cudnn_benchmark'"),
    ('model.type', 'EncoderDecodre', "model.type: 'EncoderDecodre' is not registered; did you mean 'EncoderDecoder'"),
    ('model.decode_head.type', 'SFNetHaed', "did you mean 'SFNetHead'"),
])
def test_misspelt_names_are_refused_before_anything_is_built(tmp_path, scenes, path, value, says):
    cfg = config(tmp_path, scenes)
    cfg.optim_wrapper.pop('clip_grad')  # None cannot be merged with
    cfg.merge_from_dict({path: value})
    with pytest.raises(ConfigError, match=says):
        RUNNERS.build(cfg)
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('name', ['optimizer_config_of_mine', 'my_norm', 'classes', 'note'])
def test_variables_of_ones_own_are_let_pass(tmp_path, name):
    path = tmp_path / 'own.py'
    path.write_text(f"_base_ = '{CONFIG}'\n{name} = 3\nbatchsize = 3\ntrain_dataloader = dict(batch_size=batchsize)\n")
    from segfusion.engine.names import check_names
    assert check_names(Config.fromfile(path)) == []


def test_mim_train_mmseg_refuses_misspelt_names(tmp_path, monkeypatch):
    """mmseg's own tool, as ``mim train mmseg`` runs it."""
    monkeypatch.setattr(sys, 'argv', ['train', str(CONFIG), '--work-dir', str(tmp_path / 'run'), '--cfg-options',
                                      'default_hooks.checkpoint.save_bset=mIoU'])
    with pytest.raises(ConfigError, match="'save_bset'; did you mean 'save_best'"):
        runpy.run_path(str(TOOLS / 'train.py'), run_name='__main__')


def test_mim_test_mmseg_takes_none_for_any_hook(tmp_path, monkeypatch):
    """It builds mmengine's Runner, and gets as far as the checkpoint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['test', str(CONFIG), 'none.pth', '--work-dir', str(tmp_path / 'run'),
                                      '--cfg-options', 'default_hooks.checkpoint_fit=None',
                                      'default_hooks.label_audit=None'])
    with pytest.raises(FileNotFoundError, match='no checkpoint at none.pth'):
        runpy.run_path(str(TOOLS / 'test.py'), run_name='__main__')


def test_explain_config_refuses_them_too(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['explain_config', str(CONFIG), '--cfg-options', 'val_evaluator.iou_metric=mDice'])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / 'tools' / 'explain_config.py'), run_name='__main__')
    assert left.value.code == 1 and "did you mean 'iou_metrics'" in capsys.readouterr().out


@pytest.mark.parametrize('path', sorted(ROOT.glob('configs/[!_]*/*.py')), ids=lambda p: p.stem)
def test_every_config_builds_it(path):
    cfg = Config.fromfile(path)
    assert cfg.runner_type == 'CheckedRunner' and cfg.default_hooks.finite_loss.type == 'FiniteLossHook'


CHECKS = dict(label_audit=LabelAuditHook, checkpoint_fit=CheckpointFitHook, finite_loss=FiniteLossHook)


@pytest.mark.parametrize('off', [('label_audit', 'timer'), ('checkpoint_fit', 'finite_loss', 'visualization')])
def test_default_hooks_can_be_switched_off(tmp_path, scenes, off):
    runner = RUNNERS.build(config(tmp_path, scenes, **{f'default_hooks__{name}': None for name in off}))
    for name, kind in CHECKS.items():
        assert any(isinstance(hook, kind) for hook in runner.hooks) is (name not in off)
    assert any(isinstance(hook, IterTimerHook) for hook in runner.hooks) is ('timer' not in off)


def test_names_can_be_left_unchecked(tmp_path, scenes):
    cfg = config(tmp_path, scenes, note_to_self='x', custom_hook=[])
    with pytest.raises(ConfigError):
        RUNNERS.build(cfg)
    cfg.check_names = False
    assert isinstance(RUNNERS.build(cfg), CheckedRunner)


def test_labels_in_the_pipeline_can_be_left_unchecked(tmp_path, scenes):
    cfg = config(tmp_path, scenes, **{'train_dataloader__dataset__pipeline__2__num_classes': 256})
    step = cfg.train_dataloader.dataset.pipeline[2]
    assert step.type == 'CheckLabels'
    import numpy as np
    from mmseg.registry import TRANSFORMS
    TRANSFORMS.build(step)(dict(gt_seg_map=np.full((2, 2), 200, np.uint8)))


SHIPPED = ['sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py', 'gff/gff_r18-d8_1xb4-1k_street-scenes-192x256.py']


@pytest.mark.parametrize('name', SHIPPED)
@pytest.mark.parametrize('norm', ['BN', 'SyncBN'])
def test_one_image_a_device_is_answered_by_the_shipped_configs(name, norm):
    cfg = Config.fromfile(ROOT / 'configs' / name)
    cfg.model.data_preprocessor.size = SIZE
    cfg.merge_from_dict({f'model.{part}.norm_cfg.type': norm for part in ('backbone', 'decode_head')})
    cfg.model.auxiliary_head = None
    model = revert_sync_batchnorm(MODELS.build(cfg.model)).train()
    with pytest.raises(ValueError, match='expected a batch of at least 2 images on each GPU, got 1'):
        model.loss(**model.data_preprocessor(batch(11, n=1, size=SIZE), True))
    assert any(type(m).__name__ == '_BatchNormXd' for m in model.modules()) == (norm == 'SyncBN')


def test_one_image_a_device_is_answered_for_heads_of_mmseg(tmp_path, scenes):
    cfg = config(tmp_path, scenes, train_dataloader__batch_size=1)
    cfg.model.decode_head = dict(type='PSPHead', in_channels=64, in_index=3, channels=8, num_classes=11,
                                 align_corners=False, norm_cfg=dict(type='SyncBN'))
    with pytest.raises(ValueError, match='the batch on this device is one image. Raise train_dataloader.batch_size'):
        RUNNERS.build(cfg).train()


def weights(path):
    return torch.load(path, weights_only=True)['state_dict']


def test_bfloat16_trains_on_a_cpu(tmp_path, scenes):
    """Both runs take the same steps, half the bits apart; AmpOptimWrapper says what to use instead."""
    states = {}
    for kind in ('OptimWrapper', 'Bfloat16OptimWrapper'):
        RUNNERS.build(config(tmp_path / kind, scenes, optim_wrapper__type=kind, randomness=dict(seed=1))).train()
        states[kind] = weights(tmp_path / kind / 'run' / 'iter_2.pth')
    exact, rounded = (torch.cat([v.flatten().float() for k, v in s.items() if 'running' not in k])
                      for s in states.values())
    assert all(v.dtype is not torch.bfloat16 for v in states['Bfloat16OptimWrapper'].values())
    difference = (exact - rounded).abs().max() / exact.abs().max()
    assert 0 < difference < 0.1, difference
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match='optim_wrapper.type=Bfloat16OptimWrapper'):
            RUNNERS.build(config(tmp_path, scenes, optim_wrapper__type='AmpOptimWrapper'))


def work(rank, folder, scenes):
    import os

    import segfusion
    segfusion.register_all()
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1',
                      MASTER_PORT=(Path(folder) / 'port').read_text(), CUDA_VISIBLE_DEVICES='-1')
    cfg = config(Path(folder), scenes, launcher='pytorch', val_cfg=None, val_dataloader=None, val_evaluator=None,
                 randomness=dict(seed=1), channels_last=True)
    runner = RUNNERS.build(cfg)
    runner.train()
    wide = [p for p in runner.model.parameters() if p.dim() == 4 and p.shape[1] > 1 and p.shape[2] > 1]
    assert wide and all(p.is_contiguous(memory_format=torch.channels_last) for p in wide)
    torch.save(runner.model.module.state_dict(), f'{folder}/rank{rank}.pth')
    torch.distributed.destroy_process_group()


def test_two_processes_train_on_cpus(tmp_path, scenes):
    """``--launcher pytorch`` without a GPU, channels-last: both end with the same weights, not those of one process."""
    import socket

    import torch.multiprocessing as mp
    if torch.cuda.is_available():
        pytest.skip('only without a GPU')
    RUNNERS.build(config(tmp_path / 'one', scenes, randomness=dict(seed=1))).train()  # draws the scenes
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        (tmp_path / 'port').write_text(str(free.getsockname()[1]))
    mp.start_processes(work, (str(tmp_path), scenes), nprocs=2, start_method='spawn')
    first, second = (torch.load(tmp_path / f'rank{i}.pth', weights_only=True) for i in range(2))
    for key, value in first.items():
        if 'running' not in key:
            assert torch.equal(value, second[key]), key
    alone = weights(tmp_path / 'one' / 'run' / 'iter_2.pth')
    assert not torch.equal(alone['decode_head.conv_seg.weight'], first['decode_head.conv_seg.weight'])

