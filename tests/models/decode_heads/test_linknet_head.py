import pytest
import torch

from tests.references import classic

WIDTHS = (64, 64, 128, 256, 512)


def test_parity_with_the_lua_wiring():
    classic.assert_parity('classic_linknet_r18_lua', classic.build('linknet_r18'))


@pytest.mark.parametrize('size, gmacs', [((352, 480), 6.967), ((512, 1024), 21.62)])
def test_cost(size, gmacs):
    assert classic.gmacs(classic.build('linknet_r18', device='meta'), *size) == pytest.approx(gmacs, rel=1e-3)


def test_trains_at_an_odd_size_and_returns_to_it():
    assert classic.assert_trains(classic.build('linknet_r18'), 65, 97).shape == (2, 11, 65, 97)


@pytest.mark.parametrize('relu, expected', [(True, 0.), (False, -3.)])
def test_relu_follows_the_sums_unless_switched_off(relu, expected):
    """With decoders that give zero, what reaches the final layers is the pooled stem, rectified or not."""
    head = classic.build('linknet_r18', **{'decode_head.relu_after_sum': relu}).decode_head
    for decoder in head.decoders:
        for p in decoder[2].bn.parameters():
            torch.nn.init.zeros_(p)
    seen = []
    head.final_up.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    maps = [torch.full((1, c, 32 // s, 32 // s), -3.) for c, s in zip(WIDTHS, (4, 4, 8, 16, 32))]
    head([torch.zeros(1, 3, 32, 32), *maps])
    assert (seen[0] == expected).all()
