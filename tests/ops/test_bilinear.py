import numpy as np
import pytest
import torch
import torch.nn.functional as F

from segfusion.ops.bilinear import bilinear_kernel
from tests.references import golden


@pytest.mark.parametrize('size', [4, 16, 32, 64])
def test_kernels_are_those_of_the_release(size):
    np.testing.assert_array_equal(bilinear_kernel(size).numpy(), golden.load('classic_bilinear_kernels')[f'k{size}'])


def test_odd_size_peaks_at_its_centre():
    assert bilinear_kernel(3)[1].tolist() == [0.5, 1.0, 0.5]


@pytest.mark.parametrize('stride', [2, 8])
def test_transposed_convolution_interpolates_inside(stride):
    x = torch.randn(1, 1, 6, 7)
    up = F.conv_transpose2d(x, bilinear_kernel(2 * stride)[None, None], stride=stride, padding=stride // 2)
    expected = F.interpolate(x, scale_factor=stride, mode='bilinear', align_corners=False)
    inside = (..., slice(stride, -stride), slice(stride, -stride))
    torch.testing.assert_close(up[inside], expected[inside])
