import pytest
import torch

from tests.references import classic


def test_parity_with_the_lua_modules():
    classic.assert_parity('classic_enet_elab', classic.build('enet', **{'decode_head.num_classes': 12}))


def test_cost():
    model = classic.build('enet', device='meta', **{'decode_head.num_classes': 12})
    assert classic.gmacs(model) == pytest.approx(1.273, abs=1e-3)


@pytest.mark.parametrize('size', [(65, 97), (30, 44)])
def test_trains_at_any_size_and_returns_to_it(size):
    assert classic.assert_trains(classic.build('enet'), *size).shape == (2, 11, *size)


def test_bottleneck_without_its_residual_is_its_main_branch():
    """Zero expansions leave the pooled, zero-padded main branch, with the pooling indices of that pooling."""
    model = classic.build('enet')
    down = model.backbone.down1
    torch.nn.init.zeros_(down.expand.bn.weight)
    x = torch.rand(1, 16, 7, 9)
    y, indices = down(x)
    pooled = torch.nn.functional.max_pool2d(x, 2, 2, ceil_mode=True)
    assert torch.equal(y[:, :16], pooled) and not y[:, 16:].any()
    assert torch.equal(x[indices].sort()[0], pooled.flatten().sort()[0])
