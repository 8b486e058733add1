import pytest
import torch

from segfusion.models.fusion import GatedDualFlowFusion
from tests.references import golden

NAMES = {
    'down_h.weight': 'coarse_reduce.weight',
    'down_l.weight': 'fine_reduce.weight',
    'flow_make.weight': 'flow_conv.weight',
    'flow_gate.0.weight': 'gate_conv.weight',
}


@pytest.mark.parametrize('tag, gate', [('famv2', 'spatial'), ('famv2_atten', 'spatial_atten')])
def test_parity_with_the_authors_module(tag, gate):
    data = golden.load('modules')
    fusion = GatedDualFlowFusion(8, align_corners=True, gate=gate).eval()
    fusion.load_state_dict({NAMES[k]: v for k, v in golden.module_state(data, tag).items()})
    fine, coarse = (torch.from_numpy(data[f'{tag}/in{i}']) for i in (0, 1))
    gates = []
    fusion.gate_conv.register_forward_hook(lambda m, i, o: gates.append(o.sigmoid()))
    with torch.no_grad():
        golden.assert_parity(fusion(coarse, fine), data[f'{tag}/out0'])
    golden.assert_parity(gates[0], data[f'{tag}/tap_flow_gate'])


@pytest.mark.parametrize('gate', ['spatial', 'spatial_atten'])
def test_still_and_undecided_is_the_mean(gate):
    """No flow and a gate of one half: the mean of the fine and the resized coarse level."""
    fusion = GatedDualFlowFusion(4, align_corners=True, gate=gate).double()
    torch.nn.init.zeros_(fusion.flow_conv.weight)
    torch.nn.init.zeros_(fusion.gate_conv.weight)
    coarse, fine = torch.randn(2, 4, 3, 5).double(), torch.randn(2, 4, 7, 9).double()
    up = torch.nn.functional.interpolate(coarse, size=(7, 9), mode='bilinear', align_corners=True)
    torch.testing.assert_close(fusion(coarse, fine), (up + fine) / 2, atol=1e-12, rtol=0)


def test_gradients():
    fusion = GatedDualFlowFusion(2, align_corners=True).double()
    with torch.no_grad():
        fusion.flow_conv.weight.mul_(0.1)
    coarse = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    fine = torch.randn(1, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(fusion, (coarse, fine))


def test_unknown_gate_is_named():
    with pytest.raises(ValueError, match="'spatial_atten' or 'spatial', got 'channel'"):
        GatedDualFlowFusion(4, align_corners=True, gate='channel')
