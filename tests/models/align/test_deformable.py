import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from segfusion.models.align import DeformableAlign


def maps(dtype=torch.float64):
    return torch.randn(2, 4, 5, 6, dtype=dtype), torch.randn(2, 4, 9, 13, dtype=dtype)


@pytest.mark.parametrize('modulated', [True, False])
@pytest.mark.parametrize('kernel_size', [1, 3, 5])
def test_starts_as_a_convolution_of_the_resized_map(modulated, kernel_size):
    align = DeformableAlign(4, align_corners=True, kernel_size=kernel_size, modulated=modulated).double()
    coarse, fine = maps()
    moved, same = align(coarse, fine)
    up = F.interpolate(coarse, size=(9, 13), mode='bilinear', align_corners=True)
    plain = F.conv2d(up, align.conv.weight, padding=kernel_size // 2)
    torch.testing.assert_close(moved, plain, atol=1e-12, rtol=0)
    assert same is fine


def test_a_constant_offset_is_a_shift():
    """(dy, dx) = (2, -1) at every tap: the convolution of the map moved up by two rows and right by one column."""
    align = DeformableAlign(4, align_corners=False).double()
    with torch.no_grad():
        align.offset_conv.bias[:18] = torch.tensor([2., -1.]).repeat(9)
    coarse, fine = maps()
    up = F.interpolate(coarse, size=(9, 13), mode='bilinear', align_corners=False)
    shifted = torch.zeros_like(up)
    shifted[:, :, :-2, 1:] = up[:, :, 2:, :-1]
    plain = F.conv2d(shifted, align.conv.weight, padding=1)
    # Away from the border, where the convolution itself reads padding.
    torch.testing.assert_close(
        align(coarse, fine)[0][:, :, 1:-3, 2:-1], plain[:, :, 1:-3, 2:-1], atol=1e-12, rtol=0)


def test_every_parameter_gets_a_gradient():
    align = DeformableAlign(4, align_corners=True)
    align(*maps(torch.float32))[0].square().mean().backward()
    assert all(p.grad.abs().max() > 0 for p in align.parameters())


def test_stays_in_float32_under_autocast():
    align = DeformableAlign(4, align_corners=True)
    coarse, fine = maps(torch.float32)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        moved = align(coarse, fine)[0]
    torch.testing.assert_close(moved, align(coarse, fine)[0], atol=1e-6, rtol=1e-6)


def test_initialisation_keeps_the_offsets_at_zero():
    head = MODELS.build(
        dict(
            type='TopDownHead',
            in_channels=[4, 8],
            channels=8,
            num_classes=2,
            align=dict(type='DeformableAlign'),
            align_corners=False,
            norm_cfg=dict(type='BN')))
    head.init_weights()
    assert not head.aligns[0].offset_conv.weight.any() and head.aligns[0].conv.weight.any()
    assert head([torch.randn(2, 4, 9, 13), torch.randn(2, 8, 5, 7)]).shape == (2, 2, 9, 13)


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match='kernel_size must be odd.* got 2'):
        DeformableAlign(4, align_corners=True, kernel_size=2)
    with pytest.raises(ValueError, match='levels run fine to coarse'):
        DeformableAlign(4, align_corners=True)(torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 4, 4))
