"""The command itself, on files as the authors save them."""
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from segfusion.convert import ConversionError, convert_file
from segfusion.engine.checkpoints import CheckpointError
from tests.references import golden

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs' / 'sfnet' / 'sfnet_r18_8xb2-300e_cityscapes-1024x1024.py')


@pytest.fixture(scope='module')
def authors_file(tmp_path_factory):
    state = {f'module.{k}': v for k, v in golden.reference_state(golden.load('sfnet_r18_dsn')).items()}
    path = tmp_path_factory.mktemp('authors') / 'best.pth'
    torch.save(dict(state_dict=state, optimizer=dict(state={}), epoch=299, mean_iu=0.79, command='train.py'), path)
    return path


def test_command_writes_what_mmseg_loads(authors_file, tmp_path):
    target = tmp_path / 'out' / 'sfnet.pth'
    command = [sys.executable, str(ROOT / 'tools' / 'convert_checkpoint.py'), '--config', CONFIG]
    done = subprocess.run([*command, str(authors_file), str(target)], capture_output=True, text=True, cwd=tmp_path,
                          env=dict(os.environ, PYTHONPATH=str(ROOT / 'custom_modules')))
    assert done.returncode == 0, done.stderr
    assert '251 tensors converted, 0 dropped' in done.stdout

    assert len(torch.load(target, weights_only=True)['state_dict']) == 251  # no code runs when it is read

    from mmseg.apis import init_model
    model = init_model(CONFIG, str(target), device='cpu')
    with torch.no_grad():
        logits = model(golden.image(128, 192))
    golden.assert_parity(logits[..., ::2, ::2], golden.load('sfnet_r18_dsn')['output'])


def test_nothing_is_written_or_overwritten(authors_file, tmp_path):
    target = tmp_path / 'sfnet.pth'
    target.write_text('precious')
    with pytest.raises(FileExistsError, match='--overwrite'):
        convert_file(CONFIG, str(authors_file), str(target))
    assert target.read_text() == 'precious'

    broken = torch.load(authors_file)
    del broken['state_dict']['module.head.conv_last.1.bias']
    torch.save(broken, tmp_path / 'broken.pth')
    with pytest.raises(ConversionError, match='nothing in the file fills decode_head.conv_seg.bias'):
        convert_file(CONFIG, str(tmp_path / 'broken.pth'), str(tmp_path / 'new.pth'))
    assert not list(tmp_path.glob('new*'))


def test_wrong_network_is_refused(tmp_path):
    torch.save({'layer1.weight': torch.zeros(1)}, tmp_path / 'other.pth')
    with pytest.raises(ConversionError, match='no known layout fits'):
        convert_file(CONFIG, str(tmp_path / 'other.pth'), str(tmp_path / 'new.pth'))
    with pytest.raises(FileNotFoundError, match='no checkpoint at'):
        convert_file(CONFIG, str(tmp_path / 'missing.pth'), str(tmp_path / 'new.pth'))


class Surprise:

    def __reduce__(self):
        return print, ('code ran', )


def test_files_that_run_code_need_trust(tmp_path, capsys):
    torch.save(dict(state_dict={'a': torch.zeros(1)}, args=Surprise()), tmp_path / 'pickle.pth')
    with pytest.raises(CheckpointError, match='--trust'):
        convert_file(CONFIG, str(tmp_path / 'pickle.pth'), str(tmp_path / 'new.pth'))
    assert 'code ran' not in capsys.readouterr().out


def imagenet_state(stem):
    """An ImageNet ResNet-18 with the deep stem, named as the authors name it."""
    from mmseg.registry import MODELS
    net = MODELS.build(dict(type='DeepStemResNet', depth=18, stem_channels=stem))
    state = {}
    for key, value in net.state_dict().items():
        if key.startswith('stem.7.'):
            key = key.replace('stem.7.', 'bn1.')
        state[key.replace('stem.', 'conv1.')] = value
    return {**state, 'fc.weight': torch.zeros(1000, 512), 'fc.bias': torch.zeros(1000)}


def test_imagenet_weights_become_a_backbone_file(tmp_path):
    state = imagenet_state(128)
    torch.save(state, tmp_path / 'resnet18.pth')
    report = convert_file(CONFIG, str(tmp_path / 'resnet18.pth'), str(tmp_path / 'backbone.pth'))
    assert set(report.dropped) == {'fc.weight', 'fc.bias'}
    from mmseg.registry import MODELS
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'backbone.pth'))
    net = MODELS.build(dict(type='DeepStemResNet', depth=18, conv2_dilations=(1, 1, 2, 4), init_cfg=init))
    net.init_weights()
    assert torch.equal(net.stem[6].weight, state['conv1.6.weight'])
    assert torch.equal(net.layer4[1].conv2.weight, state['layer4.1.conv2.weight'])


def test_open_mmlab_v1c_is_refused_with_the_reason(tmp_path):
    state = {k.replace('conv1.', 'stem.', 1) if k.startswith('conv1.') else k.replace('bn1.', 'stem.7.', 1)
             if k.startswith('bn1.') else k: v for k, v in imagenet_state(64).items()}
    torch.save(state, tmp_path / 'resnet18_v1c.pth')
    with pytest.raises(ConversionError, match='stem of 64 channels .*asks for 128'):
        convert_file(CONFIG, str(tmp_path / 'resnet18_v1c.pth'), str(tmp_path / 'new.pth'))


def test_torchvision_weights_are_refused_by_a_deep_stem(tmp_path):
    import torchvision
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / 'resnet18.pth')
    with pytest.raises(ConversionError, match='one 7x7 convolution as stem'):
        convert_file(CONFIG, str(tmp_path / 'resnet18.pth'), str(tmp_path / 'new.pth'))


def test_a_file_without_deep_supervision_names_the_option(tmp_path):
    state = golden.reference_state(golden.load('sfnet_r18'))
    torch.save(state, tmp_path / 'plain.pth')
    source, target = str(tmp_path / 'plain.pth'), str(tmp_path / 'new.pth')
    with pytest.raises(ConversionError, match='--cfg-options model.auxiliary_head=None'):
        convert_file(CONFIG, source, target)
    command = [sys.executable, str(ROOT / 'tools' / 'convert_checkpoint.py'), '--config', CONFIG, source, target,
               '--cfg-options', 'model.auxiliary_head=None']
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '224 tensors converted, 0 dropped' in done.stdout and 'OneDL' not in done.stdout


def test_another_gap_names_no_option(tmp_path):
    state = golden.reference_state(golden.load('sfnet_r18'))
    del state['head.conv_last.1.bias']
    torch.save(state, tmp_path / 'plain.pth')
    with pytest.raises(ConversionError) as error:
        convert_file(CONFIG, str(tmp_path / 'plain.pth'), str(tmp_path / 'new.pth'))
    assert '--cfg-options' not in str(error.value)


def test_running_statistics_of_fc_densenet_name_the_option(tmp_path):
    config = str(ROOT / 'configs' / 'fc_densenet' / 'fc-densenet56_1xb8-20k-scratch_camvid-360x480.py')
    torch.save(golden.reference_state(golden.load('classic_fcdensenet56')), tmp_path / 'tiramisu.pth')
    source, target = str(tmp_path / 'tiramisu.pth'), str(tmp_path / 'new.pth')
    option = 'model.backbone.norm_cfg.track_running_stats'
    with pytest.raises(ConversionError, match=f'--cfg-options {option}=True'):
        convert_file(config, source, target)
    report = convert_file(config, source, target, options={option: True})
    assert len(report.renamed) == 308 and not report.dropped
