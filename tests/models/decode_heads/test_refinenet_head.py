import pytest
import torch

from segfusion.models.decode_heads import RefineNetHead
from segfusion.models.decode_heads.refinenet_head import ResidualConvUnit
from tests.references import classic


def test_parity_with_the_port():
    classic.assert_parity('classic_refinenet_r50', classic.build('refinenet_r50'))


@pytest.mark.parametrize('depth, params, gmacs', [(50, 99.04, 161.2), (101, 118.03, 174.3)])
def test_cost(depth, params, gmacs):
    model = classic.build('refinenet_r50', device='meta', **{'backbone.depth': depth})
    assert classic.parameters(model) / 1e6 == pytest.approx(params, abs=5e-3)
    assert classic.gmacs(model) == pytest.approx(gmacs, abs=5e-2)


def test_a_unit_without_its_second_convolution_is_the_identity():
    unit = ResidualConvUnit(4)
    torch.nn.init.zeros_(unit.conv2.weight)
    x = torch.randn(1, 4, 5, 7)
    assert torch.equal(unit(x), x)


def test_head_trains_at_odd_sizes():
    sizes = [(17, 25), (9, 13), (5, 7), (3, 4)]
    head = RefineNetHead([8, 16, 24, 32], 8, coarse_channels=16, num_classes=5)
    out = head.train()([torch.randn(1, c, *s) for c, s in zip((8, 16, 24, 32), sizes)])
    assert out.shape == (1, 5, 17, 25)
    out.square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in head.parameters())
