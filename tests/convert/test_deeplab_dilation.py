"""Released DeepLab and dilated networks: files under the authors' names give what the authors' nets compute."""
import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from segfusion.convert import LAYOUTS, ConversionError, choose_layout, convert, convert_file, strip_wrapper
from segfusion.convert.caffe import name_blobs
from tests.references import caffe_networks, classic, golden

CONFIGS = Path(__file__).parents[2] / 'configs'
R101 = 'deeplab/deeplabv2-aspp-l_r101-caffe-d8_1xb10-20k_voc12aug-321x321.py'
VGG = {'v1': 'deeplab/deeplabv1-largefov_vgg16-caffe_1xb20-6k_voc12aug-321x321.py',
       'v2': 'deeplab/deeplabv2-aspp-l_vgg16-caffe_1xb20-20k_voc12aug-321x321.py'}
CAMVID = 'dilation/dilation8_vgg16-caffe_1xb8-20k_camvid-360x480.py'
NARROW = {'backbone.tail': [dict(out_channels=16, kernel_size=7, dilation=4), dict(out_channels=16, kernel_size=1)],
          'decode_head.in_channels': [3, 16]}


def build(path, **changes):
    init_default_scope('mmseg')
    cfg = Config.fromfile(CONFIGS / path)
    cfg.merge_from_dict({f'model.{k}': v for k, v in changes.items()})
    return MODELS.build(cfg.model).eval()


def load(model, source, name):
    source, wanted = strip_wrapper(source), model.state_dict()
    layout = choose_layout(source, wanted, LAYOUTS)
    assert layout.name == name
    state, report = convert(source, wanted, layout)
    model.load_state_dict(state, strict=True)
    return report


def assert_near(ours, reference, tolerance=1e-5):
    assert ours.shape == reference.shape
    torch.testing.assert_close(ours, reference, rtol=0, atol=tolerance * reference.abs().max().item())


@pytest.fixture(scope='module')
def kazuto():
    """The stored outputs, the drawn weights, and our network filled with them."""
    stored, model = golden.load('deeplabv2_r50'), build(R101, **{'backbone.depth': 50})
    state = golden.reference_state(stored)
    load(model, state, 'deeplabv2-kazuto')
    return stored, state, model


@pytest.mark.parametrize('size', [(65, 97), (64, 96)])
def test_network_of_kazuto1011(kazuto, size):
    stored, _, model = kazuto
    with torch.no_grad():
        ours = classic.logits(model, golden.image(*size))
    assert_near(ours, torch.from_numpy(stored[f'output_{size[0]}x{size[1]}']))


def test_one_scale_alone_has_no_prefix(kazuto):
    _, state, model = kazuto
    assert_same({k[len('base.'):]: v for k, v in state.items()}, 'deeplabv2-kazuto', model)


def assert_same(source, name, model):
    """The file fills the network with the weights it has."""
    wanted = model.state_dict()
    layout = choose_layout(source, wanted, LAYOUTS)
    assert layout.name == name
    result, report = convert(source, wanted, layout)
    assert set(result) == set(wanted) and all(torch.equal(result[k], wanted[k]) for k in wanted)
    return report


def caffe_names(state):
    """The state under the names of the caffemodel of DeepLabv2_ResNet101, norms as three blobs and a Scale layer."""
    branches = dict(shortcut='1', reduce='2a', conv3x3='2b', increase='2c')
    last = {}
    for key in state:
        if '.block' in key:
            stage, block = key.split('.')[1:3]
            last[stage] = max(last.get(stage, 0), int(block[5:]))
    blobs = {}
    for key, value in state.items():
        parts = key.split('.')[1:]
        if parts[0] == 'aspp':
            blobs[f'fc1_voc12_{parts[1]}.{dict(weight=0, bias=1)[parts[2]]}'] = value
            continue
        if parts[0] == 'layer1':
            name = '_conv1'
        else:
            number = int(parts[1][5:])
            letters = 'abc'[number - 1] if last[parts[0]] == 3 else 'a' if number == 1 else f'b{number - 1}'
            name = f'{parts[0][5:]}{letters}_branch{branches[parts[2]]}'
        leaf = parts[-1]
        if parts[-2] == 'conv':
            blobs[f'{"conv1" if name == "_conv1" else "res" + name}.0'] = value
        elif leaf in ('running_mean', 'running_var'):
            blobs[f'bn{name}.{int(leaf == "running_var")}'] = 4 * value
            blobs[f'bn{name}.2'] = torch.tensor([4.])
        elif leaf != 'num_batches_tracked':
            blobs[f'scale{name}.{dict(weight=0, bias=1)[leaf]}'] = value
    return blobs


def test_caffemodel_of_the_residual_network(kazuto):
    _, state, model = kazuto
    blobs = caffe_names(state)
    assert {'res2c_branch2c.0', 'res4b5_branch2a.0', 'bn_conv1.2', 'scale5a_branch1.1'} <= set(blobs)
    shared = {'res2a_branch1_res075.0': torch.zeros(256, 64, 1, 1), 'fc1_voc12_c0_res05.0': torch.zeros(21, 2048, 3, 3)}
    report = assert_same({**blobs, **shared}, 'deeplabv2-resnet-caffe', model)
    assert len(report.dropped) == len(shared)


def test_initial_weights_of_kazuto1011_become_a_backbone_file(kazuto):
    _, state, model = kazuto
    source = {k[len('base.'):]: v for k, v in state.items() if 'aspp' not in k}
    source.update({'fc.weight': torch.zeros(91, 2048, 1, 1), 'fc.bias': torch.zeros(91)})
    layout = choose_layout(source, model.state_dict(), LAYOUTS)
    assert layout.name == 'deeplabv1-kazuto-init'
    result, report = convert(source, model.state_dict(), layout)
    assert {'fc.weight', 'fc.bias'} <= set(report.dropped)
    assert torch.equal(result['layer3.5.conv2.weight'], state['base.layer4.block6.conv3x3.conv.weight'])


@functools.lru_cache(None)
def draw(key, shape):
    return torch.from_numpy(golden.draw(key, shape))


def drawn(shapes):
    return {k: draw(k, shape) for k, shape in shapes.items()}


def convs(**layers):
    """Shapes of weights and biases of convolutions, ``name=(out, in, kernel)``."""
    shapes = {}
    for name, (out, inner, kernel) in layers.items():
        shapes[f'{name}.weight'], shapes[f'{name}.bias'] = (out, inner, kernel, kernel), (out, )
    return shapes


def vgg16():
    layers, inner = {}, 3
    for stage, (count, width) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1):
        for i in range(1, count + 1):
            layers[f'conv{stage}_{i}'], inner = (width, inner, 3), width
    return convs(**layers)


@pytest.mark.parametrize('size', [(57, 41), (50, 36)])
@pytest.mark.parametrize('version', ['v1', 'v2'])
def test_caffemodels_of_vgg(version, size):
    names = {'v1': [''], 'v2': ['_1', '_2', '_3', '_4']}[version]
    layers = {}
    for i in names:
        layers.update({f'fc6{i}': (24, 512, 3), f'fc7{i}': (24, 24, 1), f'fc8_voc12{i}': (21, 24, 1)})
    weights = drawn({**vgg16(), **convs(**layers)})
    model = build(VGG[version], **{'decode_head.mid_channels': 24})
    # As an old caffemodel has them: numbered, vectors with leading ones.
    old = {k.replace('.weight', '.0').replace('.bias', '.1'): v if v.dim() > 1 else v.reshape(1, 1, 1, -1)
           for k, v in weights.items()}
    load(model, old, 'deeplab-vgg16-caffe')
    reference = caffe_networks.largefov if version == 'v1' else caffe_networks.aspp_vgg
    with torch.no_grad():
        assert_near(classic.logits(model, golden.image(*size)), reference(weights, golden.image(*size)))


def context(prefix, classes, widths, names):
    layers, inner = {}, classes
    for name, width in zip(names, widths):
        layers[prefix + name], inner = (width * classes, inner, 3), width * classes
    layers[f'{prefix}final'] = (classes, inner, 1)
    return layers


STREET = ['conv1_1', 'conv1_2', 'conv2_1', 'conv3_1', 'conv4_1', 'conv5_1', 'conv6_1', 'conv7_1']
DILATIONS = (1, 1, 2, 4, 8, 16, 32, 64)


def dilated(path, classes, final, layers, **changes):
    """A narrow network, and weights under Caffe's names."""
    layers = {'fc6': (16, 512, 7), 'fc7': (16, 16, 1), final: (classes, 16, 1), **layers}
    weights = drawn({**vgg16(), **convs(**layers)})
    return build(path, **{**NARROW, 'decode_head.num_classes': classes, **changes}), weights


def test_caffemodel_of_camvid():
    names = [*STREET[:6], 'fc1']
    model, weights = dilated(CAMVID, 4, 'final', context('ctx_', 4, [1] * len(names), names))
    load(model, weights, 'dilation-caffe')
    image = golden.image(19, 25)
    with torch.no_grad():
        reference = caffe_networks.street_context(weights, caffe_networks.dilated_front_end(weights, image, 'final'), 5)
        # The upsampling that the file lacks is the bilinear one.
        kernel = torch.from_numpy(golden.load('classic_bilinear_kernels')['k16']).to(reference).expand(4, 1, 16, 16)
        expected = F.conv_transpose2d(reference, kernel, stride=8, padding=4, groups=4)
        assert_near(classic.logits(model, image), expected[..., :19, :25])


@pytest.mark.parametrize('number, last', [(7, 4), (10, 7)])
def test_contexts_of_kitti_and_cityscapes(number, last):
    names = [*STREET[:number - 2], 'fc1']
    model, weights = dilated(
        CAMVID, 4, 'final', context('ctx_', 4, [1] * len(names), names),
        **{'decode_head.context.dilations': (*DILATIONS[:number - 2], 1)})
    upsampling = {'ctx_upsample.weight': torch.rand(4, 1, 16, 16)}
    load(model, {**weights, **(upsampling if number == 10 else {})}, 'dilation-caffe')
    scores = torch.rand(1, 4, 9, 11)
    with torch.no_grad():
        assert_near(model.decode_head.context(scores), caffe_networks.street_context(weights, scores, last))
    if number == 10:
        assert torch.equal(model.decode_head.upsample.weight, upsampling['ctx_upsample.weight'])


def test_caffemodel_of_voc_pads_once():
    names, widths = [*STREET[:6], 'fc1'], (2, 2, 4, 8, 16, 32, 32)
    model, weights = dilated('dilation/dilation8-large_vgg16-caffe_1xb8-20k_voc12aug-512x512.py', 3, 'fc-final',
                             context('ct_', 3, widths, names))
    load(model, weights, 'dilation-caffe')
    scores, module = torch.rand(1, 3, 9, 11), model.decode_head.context
    with torch.no_grad():
        reference = caffe_networks.voc_context(weights, scores)
        assert_near(module(scores), reference)
        for layer, dilation in zip(module.layers[:-1:2], (1, 1, 2, 4, 8, 16, 1)):
            layer.padding = (dilation, dilation)
        assert (module(scores) - reference).abs().max() > 1e-2 * reference.abs().max()


def test_front_end_alone():
    names = [*STREET[:6], 'fc1']
    model, weights = dilated(CAMVID, 4, 'final', context('ctx_', 4, [1] * 7, names), **{'decode_head.context': None})
    report = load(model, weights, 'dilation-front-end-caffe')
    assert len(report.dropped) == 16 and set(report.dropped.values()) == {
        'the context module, which this config does not have'}
    assert torch.equal(model.decode_head.conv_seg.weight, weights['final.weight'])


@pytest.mark.parametrize('export', ['list', 'dict', 'arrays'])
def test_exports_of_caffe(tmp_path, export):
    """Blobs by layer, as lists, dicts or arrays in an .npz; the command's function reads each."""
    model, weights = dilated(CAMVID, 11, 'final', context('ctx_', 11, [1] * 7, [*STREET[:6], 'fc1']))
    layers = {}
    for key, value in weights.items():
        layer, leaf = key.rsplit('.', 1)
        layers.setdefault(layer, {})[leaf] = value
    path = str(tmp_path / ('net.npz' if export == 'arrays' else 'net.pth'))
    if export == 'arrays':
        np.savez(path, **{k: v.numpy() for k, v in weights.items()})
    else:
        torch.save(layers if export == 'dict' else {k: list(v.values()) for k, v in layers.items()}, path)
    config = Config.fromfile(CONFIGS / CAMVID)
    config.merge_from_dict({f'model.{k}': v for k, v in NARROW.items()})
    config.dump(tmp_path / 'narrow.py')
    report = convert_file(str(tmp_path / 'narrow.py'), path, str(tmp_path / 'out.pth'))
    model.load_state_dict(torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict'])
    assert torch.equal(model.decode_head.context.layers[12].weight, weights['ctx_fc1.weight'])
    assert len(report.renamed) == len(weights) + 1


def test_arrays_of_objects_are_refused(tmp_path):
    np.savez(tmp_path / 'net.npz', conv1_1=np.array([np.zeros(3), np.zeros((2, 2))], dtype=object))
    with pytest.raises(ConversionError, match='blob as an array of its own'):
        convert_file(str(CONFIGS / CAMVID), str(tmp_path / 'net.npz'), str(tmp_path / 'out.pth'))


def test_sums_of_statistics_are_divided():
    state = name_blobs({'bn.0': torch.tensor([2., 4.]), 'bn.1': torch.tensor([6., 8.]), 'bn.2': torch.tensor([2.]),
                        'conv.1': torch.ones(1, 1, 1, 2)})
    assert json.dumps({k: v.tolist() for k, v in state.items()}) == json.dumps(
        {'bn.running_mean': [1., 2.], 'bn.running_var': [3., 4.], 'conv.bias': [1., 1.]})
