import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from torch.utils.flop_counter import FlopCounterMode

from segfusion.ops import conv_module_of_resized, conv_of_resized


def plain(maps, weight, bias, size, align_corners, dilation):
    maps = [F.interpolate(m, size=size, mode='bilinear', align_corners=align_corners) for m in maps]
    padding = [dilation * (k // 2) for k in weight.shape[2:]]
    return F.conv2d(torch.cat(maps, dim=1), weight, bias, padding=padding, dilation=dilation)


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('kernel, dilation', [((3, 3), 1), ((3, 3), 2), ((1, 1), 1), ((5, 3), 1)])
def test_is_the_convolution_of_the_concatenation(align_corners, kernel, dilation):
    """Odd sizes, levels that share a grid, one on the grid itself, one row only; not contiguous."""
    sizes = ((3, 5), (23, 31), (3, 5), (1, 4), (8, 11))
    maps = [torch.randn(2, w, h, 20).double().transpose(1, 3) for h, w in sizes]
    weight, bias = torch.randn(4, 100, *kernel).double(), torch.randn(4).double()
    ours = conv_of_resized(maps, weight, bias, size=(23, 31), align_corners=align_corners, dilation=dilation)
    theirs = plain(maps, weight, bias, (23, 31), align_corners, dilation)
    torch.testing.assert_close(ours, theirs, atol=1e-11, rtol=0)
    split = weight.split(20, dim=1)
    assert torch.equal(conv_of_resized(maps, split, bias, size=(23, 31), align_corners=align_corners,
                                       dilation=dilation), ours)


def test_gradients():
    maps = [torch.randn(1, 2, 2, 2).double().requires_grad_(), torch.randn(1, 1, 4, 5).double().requires_grad_()]
    weight, bias = torch.randn(2, 3, 3, 3).double().requires_grad_(), torch.randn(2).double().requires_grad_()

    def f(weight, bias, *maps):
        return conv_of_resized(maps, weight, bias, size=(4, 5), align_corners=True)

    assert torch.autograd.gradcheck(f, (weight, bias, *maps), fast_mode=True)


def test_costs_a_quarter_at_twice_the_size():
    maps = [torch.empty(1, 256, 32, 64, device='meta')]
    weight = torch.empty(256, 256, 3, 3, device='meta')
    macs = []
    for function in (lambda: conv_of_resized(maps, weight, size=(64, 128), align_corners=False),
                     lambda: plain(maps, weight, None, (64, 128), False, 1)):
        with FlopCounterMode(display=False) as counter:
            function()
        macs.append(counter.get_total_flops() / 2)
    assert macs[1] == 9 * 256 * 256 * 64 * 128
    # The products that resize, a channel: (3 * 64) * 128 for each of 3 * 32 rows, then 3 * 32 for each fine cell.
    assert macs[0] == macs[1] / 4 + 256 * (3 * 32 * 3 * 64 * 128 + 3 * 32 * 64 * 128)


def test_half_precision_is_near_float():
    maps, weight = [torch.randn(1, 16, 9, 13)], torch.randn(8, 16, 3, 3) / 12
    exact = conv_of_resized(maps, weight, size=(18, 26), align_corners=True)
    half = conv_of_resized([m.bfloat16() for m in maps], weight.bfloat16(), size=(18, 26), align_corners=True)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), exact, atol=0.05, rtol=0.05)


@pytest.mark.parametrize('options', [
    dict(padding=1, norm_cfg=dict(type='BN')),
    dict(padding=1, act_cfg=None, bias=True),
    dict(padding=2, dilation=2, act_cfg=dict(type='LeakyReLU')),
    dict(padding=1, groups=2),
    dict(padding=1, padding_mode='circular'),
    dict(padding=1, norm_cfg=dict(type='BN'), order=('norm', 'conv', 'act')),
])
def test_modules_of_any_kind(options):
    conv = ConvModule(12, 6, 3, **options).double().eval()
    for p in conv.parameters():
        torch.nn.init.normal_(p)
    maps = [torch.randn(2, 8, 3, 5).double(), torch.randn(2, 4, 9, 14).double()]
    up = F.interpolate(maps[0], size=(9, 14), mode='bilinear', align_corners=False)
    ours = conv_module_of_resized(conv, maps, size=(9, 14), align_corners=False)
    torch.testing.assert_close(ours, conv(torch.cat([up, maps[1]], dim=1)), atol=1e-11, rtol=0)


def test_wrong_weights_are_named():
    with pytest.raises(ValueError, match=r'\(C_out, 7, odd, odd\) for maps of \[3, 4\] channels, got \(2, 6, 3, 3\)'):
        conv_of_resized([torch.zeros(1, 3, 2, 2), torch.zeros(1, 4, 2, 2)],
                        torch.zeros(2, 6, 3, 3),
                        size=(4, 4),
                        align_corners=True)
