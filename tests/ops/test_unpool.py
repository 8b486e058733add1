import pytest
import torch
import torch.nn.functional as F

from segfusion.ops.unpool import max_pool_with_indices, unpool


@pytest.mark.parametrize('size', [(6, 8), (7, 9), (5, 4), (1, 3)])
def test_equals_max_unpool_bit_for_bit_at_odd_sizes_and_with_ties(size):
    x = torch.randn(2, 3, *size).round()  # rounding makes ties
    values = torch.randn(2, 3, (size[0] + 1) // 2, (size[1] + 1) // 2)
    pooled, positions = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
    ours, indices = max_pool_with_indices(x)
    assert torch.equal(ours, pooled)
    assert torch.equal(unpool(values, indices), F.max_unpool2d(values, positions, 2, 2, output_size=x.shape[2:]))


def test_typed_out_table():
    x = torch.tensor([[1., 5, 2], [3, 4, 2], [7, 6, 9]])[None, None]
    pooled, indices = max_pool_with_indices(x)
    assert pooled[0, 0].tolist() == [[5, 2], [7, 9]]
    assert unpool(pooled, indices)[0, 0].tolist() == [[0, 5, 2], [0, 0, 0], [7, 0, 9]]


def test_pooling_undoes_unpooling():
    _, indices = max_pool_with_indices(torch.randn(1, 2, 9, 7))
    values = torch.rand(1, 2, 5, 4)
    assert torch.equal(F.max_pool2d(unpool(values, indices), 2, 2, ceil_mode=True), values)


def test_gradients():
    x = torch.randn(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    _, indices = max_pool_with_indices(x)
    values = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: unpool(v, indices), values)
    assert torch.autograd.gradcheck(lambda v: max_pool_with_indices(v)[0], x)


def test_wrong_grid_is_refused():
    _, indices = max_pool_with_indices(torch.randn(1, 2, 8, 8))
    with pytest.raises(ValueError, match=r'\(1, 2, 4, 4\), got \(1, 2, 4, 5\)'):
        unpool(torch.randn(1, 2, 4, 5), indices)
