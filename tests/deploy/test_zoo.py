"""Networks by name are the segmentors of their configs, and ordinary modules."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.apis import inference_model
from torch import nn

import segfusion
from segfusion.deploy import load_segmentor
from segfusion.deploy.zoo import _find
from tests.references.shipped import load

ROOT = Path(__file__).parents[2]


def picture(height=65, width=97):
    return torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8)


def test_names_are_short_and_every_config_is_behind_one():
    names, stems = segfusion.list_models(), segfusion.list_models(configs=True)
    assert stems == sorted(p.stem for p in ROOT.glob('configs/[!_]*/*.py'))
    assert all(any(stem.startswith(f'{name}_') for name in names) for stem in stems)
    assert {'sfnet_r18', 'sfnet_r18-v1c_bilinear', 'sfnet-lite_r18'} <= set(segfusion.list_models('sfnet*'))
    assert 'gff_r18-d8_flow' in segfusion.list_models('gff*') and segfusion.list_models('nothing*') == []


def test_a_name_prefers_public_weights_over_drawn_streets():
    assert _find('sfnet_r18-v1c').stem == 'sfnet_r18-v1c_1xb8-20k_camvid-360x480'
    assert _find('sfnet_r18').stem == 'sfnet_r18_8xb2-300e_cityscapes-1024x1024'
    assert _find('stdc1').stem == 'stdc1_4xb12-80k_cityscapes-512x1024'  # named in the trunk inside the backbone
    assert _find('fcn_r18-d32_crfrnn').stem == 'fcn_r18-d32_crfrnn_1xb8-20k_camvid-360x480'
    assert _find('sfnet_r18_boundary').stem == 'sfnet_r18_boundary_1xb4-1k_street-scenes-192x256'
    assert _find('sfnet_r18_1xb4-demo_street-scenes-128x192').parent.name == 'sfnet'


@pytest.mark.parametrize(
    'name', ['sfnet_r18', 'fcn_r18-d32_crfrnn', 'enet', 'alignseg_r18', 'linknet_r18', 'ddrnet_23-slim'])
def test_a_network_says_what_its_segmentor_says(name, tmp_path):
    """RGB in, whatever mean, order of channels and padding the config asks for; filled from a checkpoint."""
    segmentor = load_segmentor(str(_find(name)))
    for key, value in segmentor.state_dict().items():
        if key.endswith('running_var'):
            value.uniform_(0.5, 1.5)
    torch.save(dict(state_dict=segmentor.state_dict(), meta={}), tmp_path / 'net.pth')
    model = segfusion.get_model(name, weights=str(tmp_path / 'net.pth')).eval()
    image = picture()
    segmentor.cfg.test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    bgr = np.ascontiguousarray(image[0].permute(1, 2, 0).numpy()[..., ::-1])
    expected = inference_model(segmentor, bgr).seg_logits.data[None]
    with torch.no_grad():
        logits = model(image)
    assert logits.shape == (1, model.num_classes, 65, 97)
    torch.testing.assert_close(logits, expected, atol=1e-4 * expected.std().item(), rtol=0)


def test_every_parameter_learns_and_classes_are_asked_for():
    model = segfusion.get_model('sfnet_r18', 5, decode_head=dict(align=dict(type='DeformableAlign')))
    assert isinstance(model, nn.Module) and model.training and model.num_classes == 5
    assert type(model.model.decode_head.aligns[0]).__name__ == 'DeformableAlign'
    labels = torch.randint(0, 5, (2, 65, 97))
    nn.functional.cross_entropy(model(torch.cat([picture(), picture()])), labels).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_backbone_weights_are_those_the_config_names(tmp_path, monkeypatch):
    """The config's checkpoint, here a local file in the place of the download."""
    source = segfusion.get_model('fcn_r18-d32').model.backbone
    torch.save(source.state_dict(), tmp_path / 'trunk.pth')
    init = dict(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'trunk.pth')))
    for asked in (dict(pretrained=True), dict(weights='backbone')):
        model = segfusion.get_model('fcn_r18-d32', backbone=init, **asked)
        for key, value in model.model.backbone.state_dict().items():
            assert torch.equal(value, source.state_dict()[key]), key
    with pytest.raises(ValueError, match='enet names no weights for its backbone'):
        segfusion.get_model('enet', pretrained=True)
    monkeypatch.setenv('CONVERTED_ROOT', str(tmp_path))
    with pytest.raises(ValueError, match=f'from {tmp_path}/resnet18_sfnet.pth, which is not there.*sfnet_r18-v1c'):
        segfusion.get_model('sfnet_r18', pretrained=True)


def test_errors_tell_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"no model 'sfnet_18'; did you mean sfnet_r18, .*list_models\(\)"):
        segfusion.get_model('sfnet_18')
    with pytest.raises(TypeError, match='PointHead.*load_segmentor'):
        segfusion.get_model('pointrend_r50')
    with pytest.raises(TypeError, match=r'one logit map of DDRHead, got 2, .* in training .*\.eval\(\) first'):
        segfusion.get_model('ddrnet_23-slim')(torch.rand(2, 3, 64, 64) * 255)
    with pytest.raises(ValueError, match='got both'):
        segfusion.get_model('sfnet_r18', pretrained=True, weights='a.pth')
    torch.save(dict(state_dict={}), tmp_path / 'net.pth')
    with pytest.raises(ValueError, match='does not fit'):
        segfusion.get_model('enet', weights=str(tmp_path / 'net.pth'))
    model = segfusion.get_model('enet').eval()
    with pytest.raises(ValueError, match=r'expected images \(N, 3, H, W\), got \(3, 65, 97\)'):
        model(picture()[0])
    with pytest.warns(UserWarning, match='the network expects an image of colour levels 0..255, got values from 0'):
        model(picture() / 255)
    with pytest.raises(AttributeError, match='get_modell'):
        segfusion.get_modell


def test_a_program_that_only_imports_the_package():
    """No register_all, no scope left behind; and nothing of the applications is imported before it is asked for."""
    code = ('import sys, segfusion; assert not any(m.startswith("segfusion.deploy") for m in sys.modules); '
            'from mmengine.registry import DefaultScope; model = segfusion.get_model("enet", 3); '
            'assert DefaultScope.get_current_instance() is None; print(model.num_classes)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout.split()[-1:] == ['3'], done.stderr


def test_no_two_configs_of_a_name_differ_in_their_parts():
    """The first of them can stand for all."""
    kinds = {}
    for path in sorted(ROOT.glob('configs/[!_]*/*.py')):
        model = load(path).model
        heads = model.decode_head if isinstance(model.decode_head, list) else [model.decode_head]
        kind = (model.backbone.type, model.backbone.get('depth'), *(head.type for head in heads),
                *(str(head.get('align', {}).get('type')) for head in heads))
        kinds.setdefault(path.stem.split('xb')[0].rpartition('_')[0], set()).add(kind)
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}
