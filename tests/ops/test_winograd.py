import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from segfusion.ops import WinogradConv2d, winograd_conv2d, winograd_weight
from segfusion.portable import portable_operations


@pytest.mark.parametrize('dilation', [1, 2, 3])
@pytest.mark.parametrize('size', [(1, 1), (7, 13), (20, 9), (33, 70)])
def test_is_the_convolution(dilation, size):
    """Smaller than a tile, sizes that no tile divides, several strips; not contiguous; with and without bias."""
    x = torch.randn(2, size[1], size[0], 5, dtype=torch.float64).transpose(1, 3)
    weight, bias = torch.randn(3, 5, 3, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    for b in (bias, None):
        ours = winograd_conv2d(x, winograd_weight(weight), b, dilation)
        theirs = F.conv2d(x, weight, b, padding=dilation, dilation=dilation)
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
        assert ours.is_contiguous(memory_format=torch.channels_last)


def test_float32_rounds_little_more_than_a_direct_convolution():
    torch.manual_seed(0)
    x, weight = torch.randn(1, 128, 32, 32), torch.randn(128, 128, 3, 3) / 34
    exact = F.conv2d(x.double(), weight.double(), padding=1)
    error = (winograd_conv2d(x, winograd_weight(weight)) - exact).abs().max() / exact.std()
    direct = (F.conv2d(x, weight, padding=1) - exact).abs().max() / exact.std()
    assert error < 2e-5 and error < 30 * direct


def test_calls_do_not_see_each_other():
    """Memory is kept between calls: a large map, a small one, the large one again."""
    large, small = torch.randn(1, 8, 40, 44, dtype=torch.float64), torch.randn(1, 4, 5, 3, dtype=torch.float64)
    weights = torch.randn(6, 8, 3, 3, dtype=torch.float64), torch.randn(2, 4, 3, 3, dtype=torch.float64)
    first = winograd_conv2d(large, winograd_weight(weights[0])).clone()
    second = winograd_conv2d(small, winograd_weight(weights[1]))
    assert torch.equal(winograd_conv2d(large, winograd_weight(weights[0])), first)
    torch.testing.assert_close(second, F.conv2d(small, weights[1], padding=1), atol=1e-12, rtol=0)


def macs(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 2


def test_takes_a_quarter_of_the_products_besides_the_transforms():
    conv, x = nn.Conv2d(160, 128, 3, padding=1).requires_grad_(False), torch.randn(1, 160, 16, 16)
    assert WinogradConv2d.fits(conv)
    ours, tiles = WinogradConv2d(conv), 16
    assert macs(lambda: ours(x)) == tiles * (36 * 160 * 128 + 36 * 36 * 160 + 36 * 16 * 128)
    assert macs(lambda: conv(x)) == 4 * tiles * 36 * 160 * 128


def test_falls_back_where_it_does_not_pay_or_cannot_be():
    conv = nn.Conv2d(128, 128, 3, padding=4, dilation=4)
    ours = WinogradConv2d(conv)
    x = torch.randn(1, 128, 17, 17)  # would be padded to 32 x 32
    assert torch.equal(ours(x), conv(x))
    x = torch.randn(1, 128, 16, 16, requires_grad=True)
    ours(x).sum().backward()
    assert x.grad is not None
    with torch.no_grad():
        assert torch.equal(ours.bfloat16()(x.bfloat16()), conv.bfloat16()(x.bfloat16()))
        ours = WinogradConv2d(conv.float())
        with portable_operations():
            assert torch.equal(ours(x), conv(x))


@pytest.mark.parametrize('change', [
    dict(kernel_size=5, padding=1), dict(stride=2), dict(groups=2), dict(padding=0), dict(padding_mode='reflect'),
    dict(dilation=2), dict(out_channels=8)])
def test_other_convolutions_do_not_fit(change):
    assert WinogradConv2d.fits(nn.Conv2d(128, 128, 3, padding=1))
    assert not WinogradConv2d.fits(nn.Conv2d(**{**dict(in_channels=128, out_channels=128, kernel_size=3, padding=1),
                                                **change}))


def test_new_weights_are_taken_over():
    conv, other = (nn.Conv2d(128, 128, 3, padding=1).requires_grad_(False) for _ in range(2))
    ours, x = WinogradConv2d(conv), torch.randn(1, 128, 16, 16)
    ours.load_state_dict(other.state_dict())
    torch.testing.assert_close(ours(x), other(x), atol=1e-5, rtol=0)
