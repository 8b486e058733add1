import torch
import torch.nn.functional as F

from segfusion.models.align import IndexUnpool
from segfusion.ops.unpool import max_pool_with_indices


def test_features_and_their_pooling_indices_give_the_same():
    fine, coarse = torch.randn(2, 4, 7, 9), torch.randn(2, 4, 4, 5)
    align = IndexUnpool()
    by_map, same_fine = align(coarse, fine)
    by_indices, _ = align(coarse, max_pool_with_indices(fine)[1])
    assert torch.equal(by_map, by_indices)
    assert same_fine is fine


def test_own_maxima_return_to_their_place():
    fine = torch.rand(1, 3, 6, 6)
    coarse, _ = IndexUnpool()(F.max_pool2d(fine, 2), fine)
    assert torch.equal(coarse[coarse > 0], fine[coarse > 0])
    assert (coarse > 0).sum() == 3 * 9
