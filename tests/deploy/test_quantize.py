"""Eight-bit files against float ones, and what predicts by default."""
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from mmengine.config import Config
from PIL import Image

import segfusion
from segfusion.deploy import (
    ConfigImages,
    ExportError,
    OnnxSegmentor,
    example_image,
    export_int8,
    export_onnx,
    predict_image,
    prepare_if_equal,
)
from segfusion.deploy.export import old_exporter, session
from segfusion.deploy.quantize import float_nodes, quantize
from tests.references.networks import network

SIZE = (64, 96)


def images(count, seed=0):
    """Smooth colours, others every time."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        scale, shift = torch.rand(2, 3, 1, 1, generator=generator)
        yield (example_image(SIZE) * scale + 128 * shift).clamp(0, 255)


@pytest.fixture(scope='module')
def sfnet_lite(tmp_path_factory):
    """A network with a warp and gates, in float and in eight bits."""
    segfusion.register_all()
    folder, model = tmp_path_factory.mktemp('files'), network('sfnet_lite')
    export_onnx(model, str(folder / 'float.onnx'), SIZE)
    (folder / 'int8.onnx').write_bytes(quantize((folder / 'float.onnx').read_bytes(), images(4)))
    return folder


def test_logits_and_labels_are_near_those_in_float(sfnet_lite):
    """Labels differ only where two classes are as likely."""
    image = next(images(1, seed=9)).numpy()
    expected, got = (session(str(sfnet_lite / f'{kind}.onnx')).run(['logits'], {'image': image})[0]
                     for kind in ('float', 'int8'))
    within = expected.var((2, 3)).mean()  # of a class over the image: its mean is no information
    assert 1e-5 * within < np.square(got - expected).mean() < 1e-2 * within
    best = np.sort(expected, 1)
    sure = best[:, -1] - best[:, -2] > 0.05 * expected.std()
    same = got.argmax(1) == expected.argmax(1)
    assert same.mean() > 0.99 and sure.mean() > 0.5 and same[sure].all()
    assert (sfnet_lite / 'int8.onnx').stat().st_size < 0.3 * (sfnet_lite / 'float.onnx').stat().st_size


def test_classes_positions_and_gates_are_computed_in_float(sfnet_lite):
    graph = onnx.load(str(sfnet_lite / 'int8.onnx')).graph
    made = {name: node for node in graph.node for name in node.output}
    in_float = {node.name for node in graph.node if node.op_type == 'Conv'
                and made.get(node.input[1]) is None}  # its weights are an initialiser, not dequantised
    assert {name.split('/')[-2] for name in in_float} == {'conv_seg', 'flow_conv', 'gate_conv'}
    for node in graph.node:
        if node.op_type == 'GridSample':
            position = made[node.input[1]]
            while position.op_type not in ('Conv', 'DequantizeLinear'):
                position = made[next(name for name in position.input if name in made)]
            assert position.name in in_float
        if node.op_type in ('Resize', 'GridSample', 'Sigmoid'):
            assert all(made[o].op_type != 'QuantizeLinear' for o in node.input if o in made)
    convolutions = [node for node in graph.node if node.op_type == 'Conv']
    assert len(convolutions) - len(in_float) > 0.9 * len(convolutions)
    weights = [made[node.input[1]] for node in convolutions if node.name not in in_float]
    scales = {t.name: t for t in graph.initializer}
    assert all(len(scales[w.input[1]].dims) == 1 and scales[w.input[0]].data_type == onnx.TensorProto.INT8
               for w in weights)  # a scale a channel


def test_pooling_that_tells_indices_stays_in_float():
    """In eight bits more pixels of a cell are equal, and another index would win."""
    make, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [make('Conv', ['image', 'w'], ['a'], 'first'), make('MaxPool', ['a'], ['b', 'i'], 'pool', kernel_shape=[2, 2]),
         make('Conv', ['b', 'w'], ['logits'], 'last')],
        'g', [info('image', 1, [1, 3, 8, 8])], [info('logits', 1, [1, 3, 7, 7])])
    assert float_nodes(graph) == {'pool', 'last'}


def test_an_eight_bit_file_predicts_like_a_float_one(sfnet_lite):
    """Same metadata, through mmseg's own pipeline."""
    float_, int8 = (OnnxSegmentor(str(sfnet_lite / f'{kind}.onnx')) for kind in ('float', 'int8'))
    assert int8.dataset_meta == float_.dataset_meta and int8.cfg.test_pipeline == float_.cfg.test_pipeline
    meta = int8.session.get_modelmeta().custom_metadata_map
    assert meta.pop('precision') == 'int8' and meta == float_.session.get_modelmeta().custom_metadata_map
    rgb = next(images(1))[0].permute(1, 2, 0).numpy().astype(np.uint8)
    a, b = (predict_image(model, rgb).logits for model in (float_, int8))
    assert a.shape == b.shape and np.corrcoef(a.flatten(), b.flatten())[0, 1] > 0.97


def test_a_file_that_disagrees_is_not_kept(tmp_path):
    path = tmp_path / 'net.onnx'
    asked = dict(calibration=[torch.zeros(1, 3, *SIZE)], held_out=list(images(2)), report=lambda items, what: items)
    with pytest.raises(ExportError, match=r'expected at least 100.00%, nothing was written.*--calibration-images'):
        export_int8(network('sfnet_lite'), str(path), SIZE, agreement=1., **asked)
    with pytest.raises(ValueError, match='a share between 0 and 1, got 97'):
        export_int8(network('sfnet_lite'), str(path), SIZE, agreement=97, **asked)
    path.write_bytes(b'mine')
    with pytest.raises(FileExistsError, match='--overwrite'):
        export_int8(network('sfnet_lite'), str(path), SIZE, **asked)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b'mine']


def test_images_of_a_config_are_loaded_one_at_a_time_by_its_test_pipeline(tmp_path):
    for split in ('train', 'val'):
        for kind in ('images', 'labels'):
            (tmp_path / split / kind).mkdir(parents=True)
        for i in range(5):
            Image.new('RGB', (20 + i, 12), (10 * i, 0, 255)).save(tmp_path / split / 'images' / f'{i}.png')
            Image.new('L', (20 + i, 12)).save(tmp_path / split / 'labels' / f'{i}.png')
    steps = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
    data = dict(type='BaseSegDataset', data_root=str(tmp_path), img_suffix='.png', metainfo=dict(classes=('a', 'b')),
                data_prefix=dict(img_path='train/images', seg_map_path='train/labels'))
    config = Config(dict(
        test_pipeline=steps,
        train_dataloader=dict(dataset=dict(type='RepeatDataset', times=3, dataset=dict(
            data, pipeline=[dict(type='NoSuchTransform')])))))
    found = list(ConfigImages(config, 'train', 3, seed=1))
    assert len(found) == 3 and all(f[0, :, 0, 0].tolist()[1:] == [0, 255] for f in found)  # RGB
    assert len({f[0, 0, 0, 0].item() for f in found}) == 3 and len(ConfigImages(config, 'train', 99)) == 5
    assert all(f.shape == (1, 3, 12, 20 + f[0, 0, 0, 0].item() / 10) for f in found)
    assert all(f.shape == (1, 3, 7, 9) for f in ConfigImages(config, 'train', 2, (7, 9)))
    again = ConfigImages(config, 'train', 3, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(found, again))
    with pytest.raises(ValueError, match='names no val images: it has no val_dataloader'):
        ConfigImages(config, 'val', 3)
    config.train_dataloader.dataset.dataset.data_root = str(tmp_path / 'nowhere')
    with pytest.raises(FileNotFoundError, match=r'its train images are not there.*--cfg-options train_dataloader'):
        ConfigImages(config, 'train', 3)


def test_a_network_that_cannot_be_prepared_predicts_as_it_is():
    """Folding that fails half-way must not leave a half-folded network."""
    model = network('sfnet')
    model.decode_head.fpn_convs[0].conv = torch.nn.ConvTranspose2d(128, 64, 3)  # what fuse_conv_bn cannot fold
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.warns(UserWarning, match='predicts as trained, not prepared'):
        assert prepare_if_equal(model) is model
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_network_by_name_for_inference_says_the_same(tmp_path):
    model = network('sfnet')
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'net.pth')
    name, weights = 'sfnet_r18_1xb4-1k_street-scenes-192x256', str(tmp_path / 'net.pth')
    trained = segfusion.get_model(name, weights=weights, auxiliary_head=None)
    fast = segfusion.get_model(name, weights=weights, inference=True)
    assert not fast.training and not any(p.requires_grad for p in fast.parameters())
    assert not [m for m in fast.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert trained.training and all(p.requires_grad for p in trained.parameters())
    image = next(images(1))
    with torch.no_grad():
        expected = trained.eval()(image)
        torch.testing.assert_close(fast(image), expected, atol=2e-4 * expected.std().item(), rtol=0)


def test_the_commands(tmp_path, monkeypatch, capsys):
    """tools/export_onnx.py --int8, and tools/predict.py as trained, prepared and in eight bits."""
    import runpy
    tools = Path(__file__).parents[2] / 'tools'

    def run(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(tools / tool), run_name='__main__')
        return end.value.code

    monkeypatch.setenv('STREET_SCENES_ROOT', str(tmp_path / 'scenes'))
    config = Config.fromfile(tools.parent / 'configs/sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py')
    config.model = network('sfnet').cfg.model
    for split in ('train', 'val', 'test'):
        config[f'{split}_dataloader'].dataset.update(size=SIZE, num_images=3)
    config.dump(tmp_path / 'config.py')
    torch.save(dict(state_dict=network('sfnet').state_dict(), meta={}), tmp_path / 'net.pth')
    net = tmp_path / 'config.py', tmp_path / 'net.pth'
    assert run('export_onnx.py', *net, tmp_path / 'net.onnx', '--int8', '--size', *SIZE, '--calibration-images', 2,
               '--held-out-images', 2, '--agreement', 0.5) == 0
    out = capsys.readouterr().out
    assert 'of the pixels of 2 held-out images get the same class' in out and '13.1 MB instead of 51.5 MB' in out
    Image.fromarray(next(images(1))[0].permute(1, 2, 0).numpy().astype(np.uint8)).save(tmp_path / 'street.png')
    by_net = '--config', net[0], '--checkpoint', net[1], '--device', 'cpu'
    masks = []
    ways = dict(plain=(*by_net, '--plain'), prepared=by_net, int8=('--onnx', tmp_path / 'net.onnx'))
    for name, options in ways.items():
        assert run('predict.py', tmp_path / 'street.png', tmp_path / name, *options) == 0
        masks.append(np.array(Image.open(tmp_path / name / 'masks' / 'street.png')))
    assert (masks[0] == masks[1]).mean() > 0.999 and (masks[0] == masks[2]).mean() > 0.9


def test_a_ceiling_sets_the_scale_of_what_is_below_it(tmp_path):
    """One channel reaches 2550 before ReLU6: a scale measured there would leave nothing of the others, all below 6."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1, bias=False), torch.nn.ReLU6(), torch.nn.Conv2d(3, 2, 1))
    net[0].weight.data.copy_(torch.diag(torch.tensor([10., 0.02, 0.02]))[..., None, None])
    path = str(tmp_path / 'net.onnx')
    torch.onnx.export(net, (next(images(1)), ), path, input_names=['image'], output_names=['logits'],
                      **old_exporter())
    image = {'image': next(images(1, seed=9)).numpy()}
    expected, got = (session(file).run(['logits'], image)[0]
                     for file in (path, quantize(Path(path).read_bytes(), images(4))))
    assert np.abs(got - expected).max() < 0.1 * expected.std()
