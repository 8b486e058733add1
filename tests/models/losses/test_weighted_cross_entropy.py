import pytest
import torch
import torch.nn.functional as F

from segfusion.models.losses import WeightedCrossEntropyLoss

WEIGHTS = [0.5, 2., 7.]


def test_equals_torchs_weighted_mean_with_void():
    logits, label = torch.randn(2, 3, 5, 7, dtype=torch.float64), torch.randint(0, 3, (2, 5, 7))
    label[:, :2] = 255
    expected = F.cross_entropy(logits, label, torch.tensor(WEIGHTS, dtype=torch.float64), ignore_index=255)
    torch.testing.assert_close(WeightedCrossEntropyLoss(WEIGHTS, loss_weight=0.4)(logits, label), 0.4 * expected)


def test_equal_weights_are_plain_cross_entropy():
    logits, label = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 4, 4))
    torch.testing.assert_close(WeightedCrossEntropyLoss([3., 3., 3.])(logits, label), F.cross_entropy(logits, label))


def test_only_void_gives_zero_and_a_gradient():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = WeightedCrossEntropyLoss(WEIGHTS)(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss == 0 and (logits.grad == 0).all()


def test_wrong_number_of_weights_is_refused():
    with pytest.raises(ValueError, match='each of 4 classes, got 3'):
        WeightedCrossEntropyLoss(WEIGHTS)(torch.randn(1, 4, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long))
