import torch

from segfusion.models.context import ChainedPoolingContext


def test_without_convolutions_it_rectifies():
    context = ChainedPoolingContext(3)
    for conv in context.convs:
        torch.nn.init.zeros_(conv.weight)
    x = torch.randn(1, 3, 5, 7)
    assert torch.equal(context(x), x.relu())


def test_identity_convolutions_count_the_windows_a_peak_is_in():
    """A single 1 is worth 1 + the number of chained 5-wide windows that reach it."""
    context = ChainedPoolingContext(1, num_pools=2)
    for conv in context.convs:
        torch.nn.init.dirac_(conv.weight)
    x = torch.zeros(1, 1, 1, 11)
    x[..., 5] = 1
    assert context(x)[0, 0, 0].tolist() == [0, 1, 1, 2, 2, 3, 2, 2, 1, 1, 0]
