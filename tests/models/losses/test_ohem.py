import json

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from segfusion.models.losses import OHEMLoss
from tests.references import golden


@pytest.fixture(scope='module')
def data():
    arrays = golden.load('losses')
    values = json.loads(str(arrays['values']))
    return {k: torch.from_numpy(arrays[k]) for k in ('labels', 'full', 'main_s4', 'aux0', 'aux1', 'aux2')}, values


@pytest.mark.parametrize('min_kept', [1, 100, 1000, 3000, 5000, 10000])
def test_parity_with_the_authors_loss(data, min_kept):
    tensors, values = data
    loss = OHEMLoss(thres=0.7, min_kept=min_kept)(tensors['full'], tensors['labels'].long())
    assert loss.item() == pytest.approx(values[f'ohem_full_thr0.7_min{min_kept}'], rel=1e-6)


@pytest.mark.parametrize('min_kept', [500, 100000])
def test_parity_with_criterion_sfnet(data, min_kept):
    """Main loss plus the three auxiliary ones, all with weight one, on logits resized with aligned corners."""
    tensors, values = data
    label = tensors['labels'].long()
    loss, total = OHEMLoss(thres=0.7, min_kept=min_kept), 0
    for name in ('main_s4', 'aux0', 'aux1', 'aux2'):
        logits = F.interpolate(tensors[name], size=label.shape[1:], mode='bilinear', align_corners=True)
        total += loss(logits, label)
    assert total.item() == pytest.approx(values[f'criterion_sfnet_min{min_kept}'], rel=1e-6)


def test_stock_sampler_is_another_loss(data):
    """What a port gets that takes mmseg's pixel sampler instead (recorded, so that nobody swaps them)."""
    _, values = data
    assert values['ohem_full_thr0.7_min1000'] / values['mmseg_ce+OHEMPixelSampler_min1000_avg_non_ignoreFalse'] > 2


def test_slow_reference():
    logits, label = 3 * torch.randn(2, 4, 5, 7, dtype=torch.float64), torch.randint(0, 4, (2, 5, 7))
    label[0, :2] = 255
    pairs = []
    for n in range(2):
        for i in range(5):
            for j in range(7):
                if label[n, i, j] != 255:
                    p = torch.softmax(logits[n, :, i, j], 0)[label[n, i, j]].item()
                    pairs.append((p, -torch.log(torch.tensor(p, dtype=torch.float64)).item()))
    pairs.sort()
    for min_kept in (0, 10, 50):
        bound = max(0.4, pairs[min_kept - 1][0] if min_kept else 0)
        expected = [loss for p, loss in pairs if p <= bound]
        ours = OHEMLoss(thres=0.4, min_kept=min_kept)(logits, label).item()
        assert ours == pytest.approx(sum(expected) / len(expected), rel=1e-9)


def test_all_ignored_is_zero_and_keeps_the_graph():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = OHEMLoss()(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0 and logits.grad.abs().sum() == 0


def test_class_weights_average_over_weights():
    logits, label = torch.randn(1, 3, 4, 5), torch.randint(0, 3, (1, 4, 5))
    weights = [0.5, 1., 4.]
    ours = OHEMLoss(min_kept=100, class_weight=weights, loss_weight=2.)(logits, label)
    torch.testing.assert_close(ours, 2 * F.cross_entropy(logits, label, weight=torch.tensor(weights)))


def test_plain_heads_can_use_it():
    head = MODELS.build(
        dict(type='FCNHead', in_channels=4, channels=4, num_classes=3, num_convs=1, loss_decode=dict(type='OHEMLoss')))
    assert isinstance(head.loss_decode, OHEMLoss)


def test_wrong_threshold_is_named():
    with pytest.raises(ValueError, match='0 < thres <= 1'):
        OHEMLoss(thres=0)
