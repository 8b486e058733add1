"""A recipe that names a file does not start without it, and the message holds the command that makes it."""
import re
import shlex
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.runner import Runner
from mmseg.registry import MODELS

from segfusion.convert import convert_file
from segfusion.models.backbones import DeepStemResNet

ROOT = Path(__file__).parents[3]
SFNET = ROOT / 'configs/sfnet/sfnet_r18_8xb2-300e_cityscapes-1024x1024.py'
TINY = dict(depth=18, stem_channels=8, base_channels=4, norm_cfg=dict(type='BN'))


class Tiny(BaseModel):
    """Counts its training steps."""

    def __init__(self, checkpoint=None, **init):
        super().__init__()
        init_cfg = checkpoint and dict(type='Pretrained', checkpoint=str(checkpoint), **init)
        self.backbone, self.steps = DeepStemResNet(**TINY, init_cfg=init_cfg), 0

    def forward(self, x, mode='loss'):
        self.steps += mode == 'loss'
        return dict(loss=self.backbone(torch.stack(x))[-1].mean())


def runner(model, folder, filename=None, **cfg):
    cfg = Config({'load_from': None, 'resume': False, **cfg}, filename=filename and str(filename))
    return Runner(
        model=model, work_dir=str(folder), cfg=cfg, load_from=cfg.load_from, resume=cfg.resume,
        train_dataloader=dict(dataset=[dict(x=torch.zeros(3, 64, 64))] * 2, batch_size=2,
                              sampler=dict(type='DefaultSampler'), collate_fn=dict(type='pseudo_collate')),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)), train_cfg=dict(by_epoch=False, max_iters=1),
        default_hooks=dict(initial_weights=dict(type='InitialWeightsHook'), checkpoint=None), default_scope='mmseg',
        experiment_name=f'{folder.name}-{id(cfg)}')


def test_a_missing_file_stops_before_the_first_iteration_with_its_command(tmp_path):
    model, path = Tiny(tmp_path / 'resnet18_sfnet.pth'), tmp_path / 'resnet18_sfnet.pth'
    with pytest.raises(FileNotFoundError) as error:
        runner(model, tmp_path, SFNET).train()
    text = str(error.value)
    assert model.steps == 0 and f'model.backbone.init_cfg starts the training from {path}, which is not there' in text
    assert f'\n    python tools/convert_checkpoint.py --config {SFNET} AUTHORS_FILE {path}\n' in text
    assert 'CONVERTED_ROOT' in text and '--cfg-options model.backbone.init_cfg=None' in text


def test_the_command_of_the_message_makes_the_file(tmp_path, monkeypatch):
    """The authors' names in, the printed command, and the released recipe finds weights that fill its trunk."""
    monkeypatch.setenv('CONVERTED_ROOT', str(tmp_path / 'converted'))
    config = Config.fromfile(SFNET)
    trunk = dict(config.model.backbone, norm_cfg=dict(type='BN'))
    theirs = {re.sub(r'^stem\.7\.', 'bn1.', re.sub(r'^stem\.([0-6])\.', r'conv1.\1.', k)): torch.randn(v.shape)
              for k, v in MODELS.build(dict(trunk, init_cfg=None)).state_dict().items()}
    torch.save(theirs, tmp_path / 'resnet18-deep.pth')
    model = Tiny()
    model.backbone = MODELS.build(trunk)
    with pytest.raises(FileNotFoundError) as error:
        runner(model, tmp_path, SFNET).train()
    command = shlex.split(re.search(r'python tools/convert_checkpoint.py (.*)', str(error.value)).group(1))
    assert command[:1] + command[2:] == ['--config', 'AUTHORS_FILE', f'{tmp_path}/converted/resnet18_sfnet.pth']
    convert_file(command[1], str(tmp_path / 'resnet18-deep.pth'), command[3])
    runner(model, tmp_path / 'again', SFNET).train()
    assert model.steps == 1
    fresh = MODELS.build(trunk)
    fresh.init_weights()
    assert torch.equal(fresh.layer4[1].conv2.weight, theirs['layer4.1.conv2.weight'])
    assert torch.equal(fresh.stem[7].running_var, theirs['bn1.running_var'])


@pytest.mark.parametrize('change, message', [
    (lambda s: s.pop('layer2.0.conv1.weight'), r'1 tensors missing \(layer2.0.conv1.weight\), 0 of another shape'),
    (lambda s: s.update({'stem.6.weight': torch.zeros(4, 4, 3, 3)}),
     r'0 tensors missing, 1 of another shape \(stem.6.weight: file \(4, 4, 3, 3\), network \(8, 4, 3, 3\)\)'),
])
def test_a_file_that_fits_in_part_is_refused(tmp_path, change, message):
    """mmengine would log it and leave the rest at random."""
    state = Tiny().backbone.state_dict()
    change(state)
    torch.save(dict(state_dict={f'module.{k}': v for k, v in state.items()}), tmp_path / 'part.pth')
    model = Tiny(tmp_path / 'part.pth')
    with pytest.raises(ValueError, match=message):
        runner(model, tmp_path).train()
    assert model.steps == 0


def test_a_whole_file_passes_also_by_prefix(tmp_path):
    source = Tiny()
    torch.nn.init.constant_(source.backbone.stem[0].weight, 0.5)
    torch.save(dict(state_dict=source.state_dict()), tmp_path / 'whole.pth')
    model = Tiny(tmp_path / 'whole.pth', prefix='backbone')
    run = runner(model, tmp_path)
    run.optim_wrapper['optimizer']['lr'] = 0.
    run.train()
    assert model.steps == 1 and (model.backbone.stem[0].weight == 0.5).all()


def test_a_missing_first_stage_is_answered_with_its_training(tmp_path):
    config = Config.fromfile(ROOT / 'configs/fcn_xs/fcn-16s_vgg16_1xb1-100k_camvid-360x480.py')
    with pytest.raises(FileNotFoundError) as error:
        runner(Tiny(), tmp_path, load_from=config.load_from).train()
    assert ('\n    mim train segfusion fcn-32s_vgg16_1xb1-100k_camvid-360x480.py --work-dir '
            'work_dirs/fcn-32s_vgg16_1xb1-100k_camvid-360x480\n') in str(error.value)
    with pytest.raises(FileNotFoundError, match='convert_checkpoint.py .* AUTHORS_FILE checkpoints/fcn-8s_voc12.pth'):
        runner(Tiny(), tmp_path, load_from='checkpoints/fcn-8s_voc12.pth').train()


def test_a_test_needs_no_initial_weights(tmp_path):
    """It brings its own checkpoint."""
    run = runner(Tiny(tmp_path / 'nowhere.pth'), tmp_path)
    run.call_hook('before_run')  # as Runner.test does; the training loop is not built
    assert revert_sync_batchnorm(run.model).steps == 0
