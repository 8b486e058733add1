import pytest
import torch

from segfusion.ops import warp
from segfusion.ops.gather_rows import prefers_rows
from tests.references.warp import warp as slow_warp


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('padding_mode', ['zeros', 'border'])
def test_channels_last_equals_the_slow_loop(align_corners, padding_mode):
    """Two images, offsets that leave the map on every side, one exactly on the last pixel."""
    x = torch.randn(2, 3, 5, 7).double().to(memory_format=torch.channels_last)
    offset = 4 * torch.randn(2, 2, 6, 4).double()
    offset[0, :, -1, -1] = 0
    assert prefers_rows(x, offset)
    y = warp(x, offset, align_corners=align_corners, padding_mode=padding_mode)
    torch.testing.assert_close(y, slow_warp(x, offset, align_corners, padding_mode), atol=1e-12, rtol=0)
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_half_precision_maps_are_sampled_in_float32():
    x = torch.randn(1, 8, 9, 11).to(memory_format=torch.channels_last)
    offset = torch.randn(1, 2, 9, 11)
    y = warp(x.bfloat16(), offset, align_corners=True)
    assert y.dtype == torch.bfloat16
    exact = warp(x.bfloat16().float().contiguous(), offset, align_corners=True)
    torch.testing.assert_close(y.float(), exact, rtol=2**-8, atol=1e-6)  # one rounding, at the end


def test_positions_that_are_no_numbers_do_not_crash():
    x = torch.ones(1, 4, 5, 6).to(memory_format=torch.channels_last)
    offset = torch.zeros(1, 2, 5, 6)
    offset[0, 0, 2, 3], offset[0, 0, 2, 4] = float('inf'), float('nan')
    y = warp(x, offset, align_corners=True, padding_mode='zeros')
    assert (y[0, :, 2, 3] == 0).all()  # far outside
    y[0, :, 2, 3:5] = 1
    torch.testing.assert_close(y, x)


def test_with_gradients_grid_sample_is_used():
    x = torch.randn(1, 4, 5, 6).to(memory_format=torch.channels_last).requires_grad_()
    offset = torch.zeros(1, 2, 5, 6)
    assert not prefers_rows(x, offset)
    with torch.no_grad():
        assert prefers_rows(x, offset)
        assert not prefers_rows(x.contiguous(), offset)
    warp(x, offset, align_corners=True).sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))
