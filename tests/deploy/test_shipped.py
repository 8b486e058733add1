"""Weights that travel in the package: small, named in one place, and the network they were made of."""
import hashlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import segfusion
from segfusion.deploy import find_shipped, list_shipped, shipped
from segfusion.deploy.shipped import publish

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/enet/enet_1xb8-20k-scratch_camvid-360x480.py'
ABOUT = dict(name='tiny', config=CONFIG, recipe='random, 0 iterations', seed=3, limits='Knows nothing.')


@pytest.fixture()
def trained(tmp_path, monkeypatch):
    """A checkpoint as a training leaves it, and an empty folder in the place of the package's."""
    monkeypatch.setattr(shipped, 'FOLDER', tmp_path / 'weights')
    torch.manual_seed(3)
    state = segfusion.get_model('enet').model.state_dict()
    for key, value in state.items():
        if key.endswith('running_var'):
            value.uniform_(0.5, 1.5)
    state['auxiliary_head.conv_seg.weight'] = torch.ones(11, 4, 1, 1)
    torch.save(dict(state_dict=state, optimizer=dict(state={0: dict(exp_avg=torch.ones(10**6))}),
                    ema_state_dict=state, message_hub=dict(), meta=dict(iter=7, dataset_meta=dict(
                        classes=tuple('abcdefghijk'), palette=[[20 * i, 0, 255 - 20 * i] for i in range(11)]))),
               tmp_path / 'iter_7.pth')
    return tmp_path / 'iter_7.pth', state


def test_a_shipped_network_is_the_trained_one_with_weights_rounded_to_float16(trained):
    checkpoint, state = trained
    weights = publish(checkpoint, shipped.FOLDER, **ABOUT)
    assert weights.checkpoint.stat().st_size < checkpoint.stat().st_size / 5
    assert find_shipped() == find_shipped('tiny') == find_shipped(Path(CONFIG).stem) == weights
    model = segfusion.get_model('enet', weights='shipped')
    found = model.model.state_dict()
    assert found.keys() == state.keys() - {'auxiliary_head.conv_seg.weight'}
    for key, value in found.items():
        assert value.dtype == state[key].dtype, key
        assert torch.equal(value, state[key].half().float() if value.dim() > 1 else state[key]), key


def test_the_file_is_named_by_what_is_in_it(trained):
    checkpoint, state = trained
    weights = publish(checkpoint, shipped.FOLDER, **ABOUT)
    assert hashlib.sha256(weights.checkpoint.read_bytes()).hexdigest() == weights.sha256
    assert weights.file == f'tiny-{weights.sha256[:8]}.pth'
    again = publish(checkpoint, shipped.FOLDER, scores=dict(mIoU=1.5), **ABOUT)  # the same file, with scores
    assert again.sha256 == weights.sha256 and list_shipped() == [again]
    assert 'mIoU 1.50' in str(again) and 'Knows nothing.' in str(again)
    kept = torch.load(weights.checkpoint, weights_only=True)
    assert kept['meta']['seed'] == 3 and kept.keys() == {'meta', 'state_dict'}
    state['decode_head.conv_seg.bias'] = state.get('decode_head.conv_seg.bias', torch.zeros(11)) + 1
    torch.save(dict(state_dict=state), checkpoint)
    with pytest.raises(FileExistsError, match='other weights'):
        publish(checkpoint, shipped.FOLDER, **ABOUT)


def test_what_float16_cannot_hold_is_refused(trained):
    checkpoint, state = trained
    key = next(k for k, v in state.items() if v.dim() == 4)
    state[key][0] = 1e5
    torch.save(dict(state_dict=state), checkpoint)
    with pytest.raises(ValueError, match=f'{key} holds 1e\\+05'):
        publish(checkpoint, shipped.FOLDER, **ABOUT)
    assert list_shipped() == []


def test_a_name_without_weights_says_which_there_are(trained):
    with pytest.raises(ValueError, match='there are: none'):
        find_shipped()
    publish(trained[0], shipped.FOLDER, **ABOUT)
    with pytest.raises(ValueError, match=r'no weights of sfnet_r18 are shipped, there are: tiny \(enet'):
        segfusion.get_model('sfnet_r18', weights='shipped')


def test_predict_needs_no_checkpoint(trained, tmp_path, monkeypatch, capsys):
    publish(trained[0], shipped.FOLDER, scores=dict(mIoU=1.5), **ABOUT)
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    (tmp_path / 'photos').mkdir()
    Image.fromarray(image).save(tmp_path / 'photos' / 'a.png')
    spec = importlib.util.spec_from_file_location('predict_tool', ROOT / 'tools' / 'predict.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(sys, 'argv', ['predict.py', str(tmp_path / 'photos'), str(tmp_path / 'out'), '--device', 'cpu'])
    assert tool.main() == 0
    said = capsys.readouterr().out
    assert 'tiny (random, 0 iterations; mIoU 1.50). Knows nothing.' in said
    mask = np.array(Image.open(tmp_path / 'out' / 'masks' / 'a.png'))
    model = segfusion.get_model('enet', weights='shipped').eval()
    with torch.no_grad():
        expected = model(torch.from_numpy(image).permute(2, 0, 1)[None]).argmax(1)[0].numpy()
    assert (mask != expected).mean() < 0.01


def test_what_is_shipped_is_what_its_entry_says():
    files = [weights.checkpoint for weights in list_shipped()]
    assert files
    for weights in list_shipped():
        assert hashlib.sha256(weights.checkpoint.read_bytes()).hexdigest() == weights.sha256
        assert weights.scores['mIoU'] > 0 and weights.config_file.is_file()
        assert segfusion.get_model(weights.config_file.stem, weights='shipped').num_classes > 1
    assert sum(file.stat().st_size for file in files) <= 12 * 2**20
    assert {p.name for p in shipped.FOLDER.glob('*.pth')} == {file.name for file in files}
