import pytest
import torch
import torch.nn.functional as F

from custom_modules.ops import resized_conv2d


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('size', [(13, 21), (5, 7), (12, 8), (1, 9)])
@pytest.mark.parametrize('k', [1, 3, 5])
def test_equals_resize_then_convolve(size, k, align_corners):
    x, weight = torch.randn(2, 3, 5, 7, dtype=torch.float64), torch.randn(4, 3, k, k, dtype=torch.float64)
    direct = F.conv2d(
        F.interpolate(x, size=size, mode='bilinear', align_corners=align_corners), weight, padding=k // 2)
    ours = resized_conv2d(x, weight, size, align_corners=align_corners)
    torch.testing.assert_close(ours, direct, atol=1e-12, rtol=0)
    assert ours.is_contiguous(memory_format=torch.channels_last)


def test_gradients():
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: resized_conv2d(a, b, (7, 9), align_corners=True), (x, weight))
