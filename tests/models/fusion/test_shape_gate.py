import pytest
import torch
from torch import nn

from segfusion.models.expose import watch
from segfusion.models.fusion import ShapeGateFusion


def build(**options):
    return ShapeGateFusion(3, **{**dict(coarse_channels=1), **options}).double()


def levels(coarse=1):
    return torch.randn(2, coarse, 5, 7).double(), torch.randn(2, 3, 5, 7).double()


@pytest.mark.parametrize('gate, factor', [(0, 1), (0.5, 1.5), (1, 2)])
def test_limits(gate, factor):
    """A closed gate lets the fine level pass as it is, an open one doubles it."""
    fusion = build(norm_cfg=None)
    nn.init.zeros_(fusion.conv2.weight)
    nn.init.constant_(fusion.conv2.bias, {0: -1e4, 0.5: 0, 1: 1e4}[gate])
    coarse, fine = levels()
    expected = torch.einsum('oc,nchw->nohw', fusion.conv.weight[..., 0, 0], factor * fine)
    torch.testing.assert_close(fusion(coarse, fine), expected, atol=1e-12, rtol=0)


def test_gate_is_its_equation():
    """Pixel by pixel, fine before coarse, norms by their running statistics."""
    fusion = build().eval()
    for p in fusion.parameters():
        nn.init.normal_(p)
    for norm in (fusion.norm1, fusion.norm2):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    coarse, fine = levels()

    def normed(norm, x):
        return norm.weight * (x - norm.running_mean) / (norm.running_var + 1e-5).sqrt() + norm.bias

    with watch(fusion) as seen:
        merged = fusion(coarse, fine)
    for n, y, x in ((0, 0, 0), (1, 4, 6), (1, 2, 3)):
        v = normed(fusion.norm1, torch.cat([fine[n, :, y, x], coarse[n, :, y, x]]))
        v = (fusion.conv1.weight[..., 0, 0] @ v + fusion.conv1.bias).relu()
        gate = normed(fusion.norm2, fusion.conv2.weight[..., 0, 0] @ v + fusion.conv2.bias).sigmoid()
        torch.testing.assert_close(seen['gate'][n, :, y, x], gate)
        torch.testing.assert_close(merged[n, :, y, x], fusion.conv.weight[..., 0, 0] @ (fine[n, :, y, x] * (1 + gate)))


def test_gradients():
    fusion = build(norm_cfg=None)
    maps = [m[:1, :, :2, :3].clone().requires_grad_() for m in levels()]
    assert torch.autograd.gradcheck(fusion, maps)


def test_levels_on_two_grids_are_named():
    with pytest.raises(ValueError, match='ShapeGateFusion expects both levels on one grid'):
        build()(levels()[0], torch.randn(2, 3, 4, 7).double())
