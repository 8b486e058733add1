"""ONNX files and compiled programs against PyTorch."""
import inspect
import json

import numpy as np
import onnx
import pytest
import torch
from mmseg.apis import inference_model

from segfusion.deploy import ExportError, ImageToLogits, OnnxSegmentor, example_image, export_onnx, export_program
from segfusion.deploy.export import _other
from segfusion.portable import portable_operations
from tests.optional import needs_torch
from tests.references.networks import FUSION, NETWORKS, network

SIZE = (64, 96)
POOLING_INDICES = ('segnet', 'segnet_basic', 'enet')  # not continuous where two pixels are equal up to rounding
HAS_DYNAMO = 'dynamic_shapes' in inspect.signature(torch.onnx.export).parameters
# Stock parts that compute sizes in Python, which an exporter writes down as constants: SETR's steps up, the keys of
# torch's attention behind a reduction (MiT), the scales of MultiLevelNeck and FPNHead, the windows of Swin.
FIXED_SIZE = ('setr_pup', 'setr_mla', 'segformer', 'pvt', 'sfnet_vit', 'sfnet_swin')
# torch 2.1's exporter knows neither pooling with ceil_mode at any size nor AlignSeg's pooling; its compiler gives up
# on plain Python that later ones follow.
NOT_IN_OLD_EXPORTER = {'alignseg', 'fcn', 'segnet', 'segnet_basic', 'enet', 'gfrnet', 'dilation'}
NOT_IN_OLD_COMPILER = {'alignseg', 'gff', 'gff_flow', 'gfrnet'}
needs_2_4 = needs_torch('2.4', 'torch < 2.4 cannot export or compile it (docs/deployment.md)')
needs_dynamo = pytest.mark.skipif(not HAS_DYNAMO, reason='this torch exports by TorchScript only')


def needs_newer_torch(names, known):
    return [pytest.param(name, marks=needs_2_4) if name in known else name for name in names]


def operators(path):
    return {node.op_type for node in onnx.load(str(path)).graph.node}


@pytest.mark.parametrize('name', needs_newer_torch(NETWORKS, NOT_IN_OLD_EXPORTER))
def test_onnx_gives_the_numbers_of_torch(name, tmp_path):
    """Export at any size, then compare at the example's size and at an odd one."""
    # One tie that falls the other way reaches a receptive field, a percent or two of such small maps.
    allowed, mean, labels = (0.1, 1e-2, 1e-2) if name in POOLING_INDICES else (0, 1e-4, 1e-3)
    dynamic = name not in FIXED_SIZE
    report = export_onnx(
        network(name), str(tmp_path / 'net.onnx'), SIZE, dynamic=dynamic, tolerance=1e-4, allowed=allowed)
    assert report[0].size == SIZE and len(report) == 1 + dynamic
    assert not dynamic or report[1].size[0] > SIZE[0] and report[1].size[1] % 2
    assert all(d.beyond <= allowed and d.mean < mean and d.labels < labels for d in report)


@pytest.mark.parametrize('name', needs_newer_torch(FUSION, NOT_IN_OLD_EXPORTER))
def test_gather_replaces_grid_sample(name, tmp_path):
    """The same numbers by look-ups; opset 13 has no GridSample at all."""
    path = tmp_path / 'net.onnx'
    report = export_onnx(network(name), str(path), SIZE, dynamic=True, warp='gather', opset=13)
    assert all(d.largest < 1e-4 for d in report)
    assert 'GridSample' not in operators(path)


@needs_dynamo
@pytest.mark.parametrize('name', ['sfnet_lite', 'segnet_basic'])
def test_the_other_exporter_agrees(name, tmp_path):
    path = tmp_path / 'net.onnx'
    allowed = 0.1 if name in POOLING_INDICES else 0
    report, = export_onnx(network(name), str(path), SIZE, exporter='dynamo', allowed=allowed)
    assert report.beyond <= allowed and report.labels < 1e-2
    assert ('GridSample' in operators(path)) == (name == 'sfnet_lite')


@pytest.mark.parametrize('dynamic', [False, pytest.param(True, marks=needs_2_4)])
def test_axes_have_names_and_classes_a_number(dynamic, tmp_path):
    export_onnx(network('fcn'), str(tmp_path / 'net.onnx'), SIZE, dynamic=dynamic)
    shape = onnx.load(str(tmp_path / 'net.onnx')).graph.output[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape] == (
        ['batch', 11, 'height', 'width'] if dynamic else [1, 11, *SIZE])


def test_impossible_opsets_and_sizes_are_answered(tmp_path):
    path = str(tmp_path / 'net.onnx')
    with pytest.raises(ExportError, match='no file of opset 3: .*GridSample needs 16, warp=gather 13'):
        export_onnx(network('sfnet'), path, SIZE, opset=3)
    with pytest.raises(ExportError, match='no file of opset 13: .*GridSample needs 16, warp=gather 13'):
        export_onnx(network('sfnet'), path, SIZE, opset=13)
    with pytest.raises(ValueError, match=r'at least 1 pixel, got \(0, 0\)'):
        export_onnx(network('sfnet'), path, (0, 0))
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_is_not_written(tmp_path, monkeypatch):
    """A network that does something else in an export than in PyTorch."""

    def forward(self, image):
        return original(self, image) + (image.new_ones(()) if torch.onnx.is_in_onnx_export() else 0)

    original = ImageToLogits.forward
    monkeypatch.setattr(ImageToLogits, 'forward', forward)
    with pytest.raises(ExportError, match='nothing was written'):
        export_onnx(network('sfnet'), str(tmp_path / 'net.onnx'), SIZE)
    assert list(tmp_path.iterdir()) == []


@needs_2_4
def test_the_file_says_what_it_needs(tmp_path):
    model, path = network('alignseg'), tmp_path / 'net.onnx'
    model.dataset_meta = dict(classes=('sky', 'road'), palette=[[1, 2, 3], [4, 5, 6]])
    export_onnx(model, str(path), SIZE)
    meta = {p.key: p.value for p in onnx.load(str(path)).metadata_props}
    assert json.loads(meta['classes']) == ['sky', 'road'] and json.loads(meta['palette']) == [[1, 2, 3], [4, 5, 6]]
    assert json.loads(meta['mean']) == pytest.approx([104.00699, 116.66877, 122.67892])
    assert meta['network_order'] == 'BGR' and meta['config'] == 'alignseg_r18_1xb4-1k_street-scenes-192x256.py'
    with pytest.raises(FileExistsError, match='--overwrite'):
        export_onnx(model, str(path), SIZE)


@pytest.mark.parametrize('test_cfg', [dict(mode='whole'), dict(mode='slide', crop_size=(48, 64), stride=(32, 48))])
def test_a_file_predicts_like_its_segmentor(test_cfg, tmp_path):
    """Through mmseg's own inference, with a preprocessor that swaps, normalises and pads, whole and sliding."""
    divisor = dict(data_preprocessor__test_cfg=dict(size_divisor=32)) if test_cfg['mode'] == 'whole' else {}
    model = network('sfnet', test_cfg=test_cfg, **divisor)
    export_onnx(model, str(tmp_path / 'net.onnx'), SIZE, dynamic=True)
    deployed = OnnxSegmentor(str(tmp_path / 'net.onnx'))
    model.cfg.test_pipeline = list(deployed.cfg.test_pipeline)
    image = example_image((75, 110))[0].permute(1, 2, 0).numpy().astype(np.uint8)
    expected = inference_model(model, image).seg_logits.data
    got = inference_model(deployed, image).seg_logits.data
    assert got.shape == (11, 75, 110)
    torch.testing.assert_close(got, expected, atol=2e-4 * expected.std().item(), rtol=0)


@pytest.mark.parametrize(
    'name', needs_newer_torch([*FUSION, 'gff_flow', 'segnet_basic', 'gfrnet'], NOT_IN_OLD_COMPILER))
def test_forward_compiles_as_one_graph(name):
    """``fullgraph=True`` raises at the first break; 'eager' runs what was captured."""
    model, image = network(name), torch.randn(1, 3, *SIZE)
    torch._dynamo.reset()
    with torch.no_grad():
        expected = model(image)
        torch.testing.assert_close(torch.compile(model, backend='eager', fullgraph=True)(image), expected)


@needs_dynamo
@pytest.mark.parametrize('name', ['sfnet_lite', 'gff', 'segnet_basic'])
def test_export_program_takes_any_size(name):
    model, image = network(name), example_image((81, 127))
    program = export_program(model, SIZE, dynamic=True)
    with torch.no_grad(), portable_operations():
        expected = ImageToLogits(model)(image)
        torch.testing.assert_close(
            program.module()(image), expected, atol=1e-4 * expected.std().item(), rtol=0)


def test_errors_say_what_to_do(tmp_path):
    path = str(tmp_path / 'net.onnx')
    with pytest.raises(ValueError, match="'grid_sample' or 'gather'"):
        export_onnx(network('segnet_basic'), path, SIZE, warp='bicubic')
    with pytest.raises(TypeError, match='expected an EncoderDecoder'):
        ImageToLogits(torch.nn.Conv2d(3, 3, 1))
    (tmp_path / 'other.onnx').write_bytes(
        onnx.helper.make_model(onnx.helper.make_graph(
            [onnx.helper.make_node('Identity', ['image'], ['logits'])], 'g',
            [onnx.helper.make_tensor_value_info('image', 1, [1, 3, 4, 4])],
            [onnx.helper.make_tensor_value_info('logits', 1, [1, 3, 4, 4])]),
            opset_imports=[onnx.helper.make_opsetid('', 13)], ir_version=8).SerializeToString())
    with pytest.raises(ValueError, match='written by tools/export_onnx.py'):
        OnnxSegmentor(str(tmp_path / 'other.onnx'))


def test_the_other_size_pads_to_another_one():
    for divisor in (1, 16, 32):
        for size in ((64, 96), (65, 33), (481, 500)):
            padded = [tuple(-(-n // divisor) for n in s) for s in (size, _other(size, divisor))]
            assert padded[0][0] != padded[1][0] and padded[0][1] != padded[1][1]
            assert divisor > 1 or all((n + m) % 2 for n, m in zip(size, _other(size, divisor)))


@pytest.mark.parametrize('device', [
    'cpu', pytest.param('cuda', marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU'))])
@pytest.mark.parametrize('export', [
    pytest.param(lambda model, path: export_onnx(model, path, SIZE), id='onnx'),
    pytest.param(lambda model, path: export_onnx(model, path, SIZE, tolerance=0), id='refused'),
    pytest.param(lambda model, path: export_program(model, SIZE), id='program', marks=needs_dynamo)])
def test_the_callers_model_stays_as_it_is(export, device, tmp_path):
    """Its device, its mode and its tensors; also when nothing is written."""
    model = network('sfnet_lite').to(device).train()
    model.backbone.layer1.eval()
    before = {k: (v, v.clone()) for k, v in model.state_dict(keep_vars=True).items()}
    modes = [module.training for module in model.modules()]
    try:
        export(model, str(tmp_path / 'net.onnx'))
    except ExportError:
        assert not list(tmp_path.iterdir())
    assert [module.training for module in model.modules()] == modes
    for key, value in model.state_dict(keep_vars=True).items():
        assert value.device.type == device and torch.equal(value, before[key][1]), key
        assert value is before[key][0] or not isinstance(value, torch.nn.Parameter)
    assert model.data_preprocessor.device.type == device
