import pytest
import torch

from segfusion.models.context import DilatedContext


@pytest.mark.parametrize('widths', [None, (2, 2, 4, 8, 16, 32, 32)])
def test_starts_as_the_identity_of_non_negative_maps(widths):
    x = torch.rand(1, 3, 9, 11)
    torch.testing.assert_close(DilatedContext(3, widths=widths, noise=0)(x), x)
    assert (DilatedContext(3, widths=widths)(x) - x).abs().max() > 1e-3  # the noise is there


def test_init_weights_returns_to_the_identity():
    context = DilatedContext(2, noise=0)
    torch.nn.init.ones_(context.layers[0].weight)
    context.init_weights()
    x = torch.rand(1, 2, 5, 5)
    torch.testing.assert_close(context(x), x)


@pytest.mark.parametrize('dilations, reach', [((1, 1, 2, 4, 8, 1), 17), ((1, 1, 2, 4, 8, 16, 1), 33),
                                              ((1, 1, 2, 4, 8, 16, 32, 64, 1), 129)])
def test_receptive_field_is_the_papers(dilations, reach):
    """A pixel reaches sum(dilations) to each side: 67x67 for Dilation8."""
    context = DilatedContext(1, dilations=dilations, noise=0)
    for layer in context.layers[::2]:
        torch.nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 1, 2 * reach + 11)
    x[..., reach + 5] = 1
    touched = context(x)[0, 0, 0].nonzero().flatten()
    assert (touched.min().item(), touched.max().item()) == (5, 2 * reach + 5)


def test_one_width_for_each_layer():
    with pytest.raises(ValueError, match='7 dilations, got 2'):
        DilatedContext(3, widths=(2, 2))


def test_padding_once_lets_the_layers_see_their_own_margin():
    """With ones as kernels a single bright cell at the border spreads back from the margin."""
    once = DilatedContext(1, dilations=(1, 2), pad_once=True)
    each = DilatedContext(1, dilations=(1, 2))
    for layer in once.layers[::2]:
        torch.nn.init.ones_(layer.weight)
    each.load_state_dict(once.state_dict())
    x = torch.zeros(1, 1, 1, 6)
    x[..., 0] = 1
    # One row high: each row of the margin holds the same three ones after the first layer, columns -1, 0 and 1.
    assert each(x).flatten().tolist() == [1, 1, 1, 1, 0, 0]
    assert once(x).flatten().tolist() == [1, 2, 1, 1, 0, 0]
