"""One line of config, and ``mim test`` runs the prepared network."""
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from segfusion.engine.hooks import PrepareForInferenceHook

CONFIG = Path(__file__).parents[3] / 'configs' / 'sfnet' / 'sfnet_r18_1xb4-1k_street-scenes-192x256.py'
CRF = dict(type='RefinedEncoderDecoder', refiner=dict(type='CRFAsRNN', iterations=1))


@pytest.fixture(scope='module')
def streets(tmp_path_factory):
    return tmp_path_factory.mktemp('streets')


def runner(folder, work_dir, tta=False, hooks=(), **changes):
    config = Config.fromfile(CONFIG)
    config.merge_from_dict(dict(
        randomness=dict(seed=0), work_dir=str(work_dir), default_scope='mmseg',
        log_level='ERROR', experiment_name=f'hook_{work_dir.name}',
        model=dict(auxiliary_head=None, backbone=dict(stem_channels=8, base_channels=4, norm_cfg=dict(type='BN')),
                   data_preprocessor=dict(size=(48, 64)),
                   decode_head=dict(in_channels=[4, 8, 16, 32], channels=8, norm_cfg=dict(type='BN')), **changes),
        train_dataloader=None, train_cfg=None, optim_wrapper=None, param_scheduler=None, val_dataloader=None,
        val_cfg=None, val_evaluator=None, custom_hooks=list(hooks), default_hooks=dict(visualization=dict(draw=False)),
        test_dataloader=dict(num_workers=0, persistent_workers=False,
                             dataset=dict(data_root=str(folder), num_images=2, size=(48, 64)))))
    if tta:  # as mmseg's tools/test.py does
        config.tta_pipeline[1].transforms[0] = [dict(type='Resize', scale_factor=1.5, keep_ratio=True)]
        config.test_dataloader.dataset.pipeline = config.tta_pipeline
        config.model = dict(config.tta_model, module=config.model)
    made = Runner.from_cfg(config)
    torch.manual_seed(0)
    network = made.model.module if tta else made.model
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:  # as if trained
        if name.startswith(('backbone', 'decode_head')) and tensor.dim() == 1:
            tensor.data.uniform_(0.5, 2)
    nn.init.normal_(network.decode_head.conv_seg.weight, std=3)
    return made, network


@pytest.mark.parametrize('options', [dict(), dict(tta=True), CRF], ids=['network', 'tta', 'crf'])
def test_scores_stay_and_norms_go(streets, tmp_path, options):
    plain, _ = runner(streets, tmp_path / 'plain', **options)
    fast, network = runner(streets, tmp_path / 'fast', hooks=[dict(type='PrepareForInferenceHook')], **options)
    scores = plain.test()
    assert fast.test() == pytest.approx(scores, abs=0.02) and scores['mAcc'] > 0
    assert not [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)] and network.decode_head.split_bottleneck
    assert fast.test() == pytest.approx(scores, abs=0.02)  # prepared once
    hook = next(hook for hook in fast.hooks if isinstance(hook, PrepareForInferenceHook))
    with pytest.raises(RuntimeError, match='expected training before testing'):
        hook.before_train(fast)
