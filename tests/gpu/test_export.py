"""Exporting leaves the caller's model as and where it is."""
import pytest
import torch

from segfusion.deploy import export_onnx
from tests.references.networks import network

pytestmark = pytest.mark.gpu
SIZE = (64, 96)


def test_export_keeps_the_device_and_gives_the_numbers(device, tmp_path, single_precision):
    pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    model = network('sfnet_lite').to(device).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    report = export_onnx(model, str(tmp_path / 'net.onnx'), SIZE, tolerance=1e-3)
    assert all(d.largest < 1e-3 for d in report)
    assert {p.device.type for p in list(model.parameters()) + list(model.buffers())} == {device.type}
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
