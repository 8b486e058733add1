import pytest
import torch

from segfusion.models.decode_heads import DilationHead
from tests.references import classic


def test_cost():
    model = classic.build('dilation8_vgg16', device='meta')
    assert classic.parameters(model) / 1e6 == pytest.approx(134.3, abs=5e-2)
    assert classic.gmacs(model) == pytest.approx(526.6, abs=5e-2)


def test_front_end_gives_one_cell_for_eight_pixels_of_any_size():
    encoder = classic.build('dilation8_vgg16', device='meta').backbone
    for size in ((8, 8), (65, 97), (66, 104), (71, 40), (72, 41), (360, 480)):
        cells = encoder(torch.empty(1, 3, *size, device='meta'))[1].shape[2:]
        assert tuple(cells) == ((size[0] + 7) // 8, (size[1] + 7) // 8)


def test_cells_are_centred_on_their_eight_pixels():
    """Scores that are a ramp over cells come out as a ramp over pixels: cell i is centred on pixel 8 i + 3.5."""
    head = DilationHead([3, 4], num_classes=2, context=None, align_corners=False).eval()
    torch.nn.init.ones_(head.conv_seg.weight)
    torch.nn.init.zeros_(head.conv_seg.bias)
    x = torch.zeros(1, 4, 5, 6)
    x[:, 0] = torch.arange(6.)
    out = head([torch.zeros(1, 3, 37, 45), x])
    pixels = torch.arange(45.)
    inside = (pixels >= 8) & (pixels < 40)
    torch.testing.assert_close(out[0, 0, 20][inside], ((pixels - 3.5) / 8)[inside])


def test_head_trains_with_fixed_upsampling():
    head = DilationHead([3, 4], num_classes=3, align_corners=False)
    head.init_weights()
    head([torch.zeros(2, 3, 37, 45), torch.randn(2, 4, 5, 6)]).square().sum().backward()
    assert [n for n, p in head.named_parameters() if p.grad is None] == ['upsample.weight']


def test_a_front_end_that_does_not_cover_the_image_is_refused():
    head = DilationHead([3, 4], num_classes=2, align_corners=False)
    with pytest.raises(ValueError, match='reflect_padding=186'):
        head([torch.zeros(1, 3, 64, 64), torch.zeros(1, 4, 6, 6)])
