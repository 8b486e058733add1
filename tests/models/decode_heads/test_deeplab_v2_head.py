import pytest
import torch
import torch.nn.functional as F

from segfusion.models.decode_heads import DeepLabV2Head
from tests.references import classic

VOC = {'decode_head.num_classes': 21}


@pytest.mark.parametrize('config, changes, size, params, gmacs', [
    ('deeplabv2_vgg16', {'decode_head.dilations': (12, )}, (360, 480), 20.5, 82.8),
    ('deeplabv2_vgg16', {}, (360, 480), 37.9, 129.7),
    ('deeplabv2_r101-d8', {}, (513, 513), 44.0, 188.9),
])
def test_cost_with_21_classes_is_the_published_one(config, changes, size, params, gmacs):
    model = classic.build(config, device='meta', **VOC, **changes)
    assert classic.parameters(model) / 1e6 == pytest.approx(params, abs=5e-2)
    assert classic.gmacs(model, *size) == pytest.approx(gmacs, rel=2e-3)


def test_branches_are_summed():
    head = DeepLabV2Head(4, num_classes=3, dilations=(1, 2, 5), mid_channels=None, in_index=0, align_corners=False)
    x = torch.randn(1, 4, 11, 13)
    expected = sum(F.conv2d(x, b.weight, b.bias, padding=r, dilation=r) for b, r in zip(head.branches, (1, 2, 5)))
    torch.testing.assert_close(head([x]), expected)


def test_stride_is_eight_at_the_authors_sizes():
    """321 = 8 * 40 + 1 pixels give 41 cells, which is why the poolings are 3x3 with padding."""
    encoder = classic.build('deeplabv2_vgg16', device='meta').backbone
    assert encoder(torch.empty(1, 3, 321, 321, device='meta'))[0].shape[2:] == (41, 41)


@pytest.mark.parametrize('mid_channels', [6, None])
def test_head_trains(mid_channels):
    head = DeepLabV2Head(4, num_classes=3, mid_channels=mid_channels, in_index=0, align_corners=False)
    head([torch.randn(2, 4, 9, 7)]).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in head.parameters())
