import pytest
import torch

from segfusion.models.decode_heads import FCNSkipHead
from tests.references import classic

UPSAMPLING = {'upsample_skips.0.weight', 'upsample_skips.1.weight', 'upsample_image.weight'}


def test_parity_with_the_release():
    classic.assert_parity('classic_fcn8s', classic.build('fcn-8s_vgg16'))


def test_cost_of_fcn8s():
    assert classic.gmacs(classic.build('fcn-8s_vgg16', device='meta')) == pytest.approx(139.466, abs=1e-3)


def levels(stride, size):
    """Random maps of the sizes that the padded encoder gives."""
    maps = [torch.zeros(1, 3, size, size)]
    n = size + 198
    grids = []
    for _ in range(5):
        n = (n + 1) // 2
        grids.append(n)
    maps += [torch.randn(1, c, g, g) for c, g, s in ((5, grids[2], 8), (6, grids[3], 16)) if s >= stride]
    return [*maps, torch.randn(1, 7, grids[4] - 6, grids[4] - 6)]


@pytest.mark.parametrize('stride, channels', [(32, [3, 7]), (16, [3, 6, 7]), (8, [3, 5, 6, 7])])
@pytest.mark.parametrize('size', [65, 80, 97])
def test_crops_centre_the_coarse_map_on_the_image(stride, channels, size):
    """A ramp over fc7 comes out as a ramp over the image, where the receptive fields are.

    conv1_1 shifts the image by 99 pixels; five poolings centre cell i of pool5 on 32 i + 15.5 of the padded grid and
    fc6 moves it three cells: 32 (i + 3) + 15.5 - 99 = 32 i + 12.5. All three strides must agree with that.
    """
    head = FCNSkipHead(channels, num_classes=2, align_corners=False)
    head.init_weights()
    torch.nn.init.ones_(head.conv_seg.weight)
    maps = levels(stride, size)
    cells = maps[-1].shape[-1]
    maps[-1] = torch.arange(cells, dtype=torch.float32).expand(1, 1, cells, cells) * torch.eye(7)[:1].view(1, 7, 1, 1)
    out = head.eval()(maps)
    assert out.shape == (1, 2, size, size)
    columns = torch.arange(size, dtype=torch.float32)
    inside = (columns >= 25) & (columns <= 32 * (cells - 1))  # away from the fading border of the kernels
    assert inside.any()
    torch.testing.assert_close(out[0, 0, size // 2][inside], ((columns - 12.5) / 32)[inside])


def test_at_once_scales_each_pooled_map():
    plain = FCNSkipHead([3, 5, 6, 7], num_classes=2, align_corners=False)
    scaled = FCNSkipHead([3, 5, 6, 7], num_classes=2, skip_scales=(1e-4, 1e-2), align_corners=False)
    for conv in (*plain.scores, plain.conv_seg):
        torch.nn.init.normal_(conv.weight)
    scaled.load_state_dict(plain.state_dict())
    maps = levels(8, 40)
    prescaled = [maps[0], 1e-4 * maps[1], 1e-2 * maps[2], maps[3]]
    torch.testing.assert_close(scaled.eval()(maps), plain.eval()(prescaled))


def test_trains_with_fixed_upsampling():
    head = FCNSkipHead([3, 5, 6, 7], num_classes=11, align_corners=False)
    head.init_weights()
    assert all((p == 0).all() for p in (head.conv_seg.weight, head.scores[0].weight, head.scores[1].weight))
    head(levels(8, 40)).square().sum().backward()
    fixed = {n for n, p in head.named_parameters() if not p.requires_grad}
    assert fixed == UPSAMPLING
    assert all(p.grad is not None for p in head.parameters() if p.requires_grad)
    assert all(p.requires_grad for p in FCNSkipHead([3, 7], num_classes=2, fixed_upsampling=False).parameters())


def test_unpadded_encoder_is_refused():
    head = FCNSkipHead([3, 7], num_classes=2, align_corners=False)
    with pytest.raises(ValueError, match='first_padding=100'):
        head([torch.zeros(1, 3, 256, 256), torch.zeros(1, 7, 2, 2)])
