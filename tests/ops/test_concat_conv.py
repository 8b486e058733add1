import pytest
import torch
import torch.nn.functional as F

from custom_modules.ops import concat_conv1x1


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('size', [(4, 3), (9, 7)])
def test_equals_the_convolution_of_the_concatenation(align_corners, size):
    fine, coarse = torch.randn(2, 3, 9, 7).double(), torch.randn(2, 5, *size).double()
    weight, bias = torch.randn(4, 8, 1, 1).double(), torch.randn(4).double()
    up = F.interpolate(coarse, size=(9, 7), mode='bilinear', align_corners=align_corners)
    expected = F.conv2d(torch.cat([fine, up], dim=1), weight, bias)
    ours = concat_conv1x1(fine, coarse, weight, bias, align_corners=align_corners)
    torch.testing.assert_close(ours, expected, atol=1e-12, rtol=0)


def test_gradients():
    args = [torch.randn(*s, dtype=torch.float64, requires_grad=True)
            for s in ((1, 2, 4, 3), (1, 3, 2, 2), (2, 5, 1, 1), (2, ))]
    assert torch.autograd.gradcheck(lambda *a: concat_conv1x1(*a, align_corners=True), args)


def test_misfitting_weights_are_named():
    x = torch.zeros(1, 2, 4, 4)
    with pytest.raises(ValueError, match=r'1x1 kernel over 2 \+ 2 channels, got weight \(3, 5, 1, 1\)'):
        concat_conv1x1(x, x, torch.zeros(3, 5, 1, 1), None, align_corners=True)
    with pytest.raises(ValueError, match='expected a 1x1 kernel'):
        concat_conv1x1(x, x, torch.zeros(3, 4, 3, 3), None, align_corners=True)
