import pytest
import torch
from mmseg.registry import MODELS


@pytest.mark.parametrize('size, cells', [((128, 96), (33, 25)), ((65, 97), (17, 25)), ((66, 95), (17, 25))])
def test_cells_are_rounded_up(size, cells):
    """128 pixels are 64 after the stem; windows of three begin at -1, 1, ..., 63: 33 of them."""
    with torch.device('meta'):
        levels = MODELS.build(dict(type='CaffeResNet', depth=50))(torch.empty(1, 3, *size))
    assert levels[0].shape == (1, 256, *cells)


def test_odd_sizes_are_those_of_mmseg():
    narrow = dict(depth=50, base_channels=4, stem_channels=4, style='caffe')
    ours, stock = MODELS.build(dict(type='CaffeResNet', **narrow)), MODELS.build(dict(type='ResNet', **narrow))
    stock.load_state_dict(ours.state_dict())
    ours.eval(), stock.eval()  # mmseg's returns None
    image = torch.randn(1, 3, 33, 49)
    for level, expected in zip(ours(image), stock(image)):
        assert torch.equal(level, expected)
