import pytest
import torch
import torch.nn.functional as F

from segfusion.ops import sfnet_flow_to_offset, warp
from tests.references import golden
from tests.references import warp as reference

CORNERS = pytest.mark.parametrize('align_corners', [True, False])


@CORNERS
@pytest.mark.parametrize('size', [(12, 18), (13, 19), (5, 7), (3, 4), (1, 9), (11, 1)])
def test_zero_offset_is_resize(size, align_corners):
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    ours = warp(x, torch.zeros(2, 2, *size, dtype=torch.float64), align_corners=align_corners)
    resized = F.interpolate(x, size=size, mode='bilinear', align_corners=align_corners)
    torch.testing.assert_close(ours, resized, atol=1e-12, rtol=0)


@CORNERS
def test_offset_of_one_shifts_by_one_pixel(align_corners):
    x = torch.arange(20.).view(1, 1, 4, 5)
    right = torch.zeros(1, 2, 4, 5)
    right[:, 0] = 1  # dx: the sample comes from the right neighbour
    down = torch.zeros(1, 2, 4, 5)
    down[:, 1] = 1
    expected_right = torch.tensor([[1., 2, 3, 4, 4], [6, 7, 8, 9, 9], [11, 12, 13, 14, 14], [16, 17, 18, 19, 19]])
    expected_down = torch.tensor([[5., 6, 7, 8, 9], [10, 11, 12, 13, 14], [15, 16, 17, 18, 19], [15, 16, 17, 18, 19]])
    torch.testing.assert_close(warp(x, right, align_corners=align_corners)[0, 0], expected_right, atol=1e-5, rtol=0)
    torch.testing.assert_close(warp(x, down, align_corners=align_corners)[0, 0], expected_down, atol=1e-5, rtol=0)


@CORNERS
def test_zeros_padding_fades_within_one_pixel(align_corners):
    x = torch.ones(1, 1, 4, 4)
    offset = torch.zeros(1, 2, 4, 4)
    offset[:, 0] = 0.75
    y = warp(x, offset, align_corners=align_corners, padding_mode='zeros')
    torch.testing.assert_close(y[0, 0, 0], torch.tensor([1., 1, 1, .25]), atol=1e-5, rtol=0)


@CORNERS
@pytest.mark.parametrize('padding_mode', ['border', 'zeros'])
def test_equals_the_slow_loop(align_corners, padding_mode):
    x = torch.randn(2, 7, 5, 3, dtype=torch.float64).transpose(2, 3)  # not contiguous, (2, 7, 3, 5)
    offset = 3 * torch.randn(2, 2, 6, 7, dtype=torch.float64)
    ours = warp(x, offset, align_corners=align_corners, padding_mode=padding_mode)
    expected = reference.warp(x, offset, align_corners, padding_mode)
    torch.testing.assert_close(ours, expected, atol=1e-11, rtol=0)


@CORNERS
def test_gradients(align_corners):
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    offset = (0.3 + 0.2 * torch.rand(1, 2, 5, 7, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: warp(a, b, align_corners=align_corners), (x, offset))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_positions_stay_in_float32_under_autocast(dtype):
    """A grid in bfloat16 moves samples by a pixel at this width; values alone lose no more than their own rounding."""
    ramp = torch.linspace(0, 1, 1024).view(1, 1, 1, 1024).expand(1, 1, 2, 1024)
    offset = torch.full((1, 2, 2, 1024), 0.25)
    exact = warp(ramp, offset, align_corners=True)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(warp(ramp, offset, align_corners=True), exact)
    half = warp(ramp.to(dtype), offset, align_corners=True)
    assert half.dtype == dtype
    rounding = torch.finfo(dtype).eps
    assert (half.float() - exact).abs().max() <= 1.01 * rounding


def test_samples_are_independent():
    x, offset = torch.randn(3, 2, 4, 5), torch.randn(3, 2, 6, 7)
    together = warp(x, offset, align_corners=False)
    alone = torch.cat([warp(x[i:i + 1], offset[i:i + 1], align_corners=False) for i in range(3)])
    assert torch.equal(together, alone)


@pytest.mark.parametrize('shapes', [((1, 2, 3, 4), (2, 2, 3, 4)), ((1, 2, 3, 4), (1, 3, 3, 4)),
                                    ((2, 3, 4), (1, 2, 3, 4))])
def test_wrong_shapes_are_named(shapes):
    with pytest.raises(ValueError, match=r'\(N, 2, H, W\).*got'):
        warp(torch.zeros(shapes[0]), torch.zeros(shapes[1]), align_corners=True)


def test_parity_with_the_authors_flow_warp():
    data = golden.load('modules')
    x, flow = (torch.from_numpy(data[f'sf_warp/{k}']) for k in ('in0', 'flow'))
    for f, key in ((flow, 'sf_warp/out0'), (torch.zeros_like(flow), 'sf_warp_zero/out0')):
        ours = warp(x, sfnet_flow_to_offset(f), align_corners=True, padding_mode='zeros')
        golden.assert_parity(ours, data[key], 1e-5)


def test_sfnet_flow_is_about_half_a_pixel():
    flow = torch.ones(1, 4, 5, 8)
    expected = torch.tensor([7 / 16, 4 / 10, 7 / 16, 4 / 10])
    torch.testing.assert_close(sfnet_flow_to_offset(flow)[0, :, 0, 0], expected)
    assert sfnet_flow_to_offset(flow.bfloat16()).dtype == torch.float32
