import json

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from segfusion.models.losses import OHEMLoss
from tests.optional import needs_torch
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


def test_void_in_between_and_few_labelled_pixels():
    """Fewer labelled pixels than min_kept, but more pixels: plain cross-entropy over the labelled ones."""
    logits, label = torch.randn(1, 3, 8, 8), torch.randint(0, 3, (1, 8, 8))
    label[torch.rand(1, 8, 8) < 0.5] = 255
    labelled = int((label != 255).sum())
    for min_kept in (labelled, labelled + 1, 63, 64, 65):
        loss = OHEMLoss(thres=0.01, min_kept=min_kept)(logits, label)
        torch.testing.assert_close(loss, F.cross_entropy(logits, label, ignore_index=255))
    kept = F.cross_entropy(logits, label, ignore_index=255, reduction='none').flatten().topk(labelled - 1).values
    torch.testing.assert_close(OHEMLoss(thres=0.01, min_kept=labelled - 1)(logits, label), kept.mean())


def test_pixels_that_are_not_hard_get_no_gradient():
    logits = torch.tensor([[4., 0.], [0.1, 0.]]).t().view(1, 2, 1, 2).requires_grad_()  # an easy pixel and a hard one
    OHEMLoss(thres=0.7, min_kept=0)(logits, torch.zeros(1, 1, 2, dtype=torch.long)).backward()
    assert (logits.grad[..., 0] == 0).all() and (logits.grad[..., 1] != 0).all()


@needs_torch('2.2', 'no softmax in float16 on CPUs')
def test_half_precision_counts_more_pixels_than_half_precision_can():
    logits = torch.zeros(1, 2, 300, 300, dtype=torch.float16)  # 90000 pixels; float16 ends at 65504
    loss = OHEMLoss(min_kept=0)(logits.float().half(), torch.zeros(1, 300, 300, dtype=torch.long))
    assert loss.item() == pytest.approx(0.6931, abs=1e-3)


def test_class_weights_move_with_the_model_and_not_into_checkpoints():
    loss = OHEMLoss(class_weight=[1, 2, 3])
    assert loss.state_dict() == {} and loss.to('meta').weights.device.type == 'meta' and loss.class_weight == [1, 2, 3]
    with pytest.raises(ValueError, match='each of 4 classes, got 3'):
        OHEMLoss(class_weight=[1, 2, 3])(torch.randn(1, 4, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long))


@pytest.mark.parametrize('thresh', [0.7, None])
def test_a_pixel_sampler_besides_is_refused(thresh):
    head = MODELS.build(
        dict(type='FCNHead', in_channels=4, channels=4, num_classes=3, num_convs=1, loss_decode=dict(type='OHEMLoss'),
             sampler=dict(type='OHEMPixelSampler', thresh=thresh, min_kept=9)))
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.zeros(1, 5, 5, dtype=torch.long)))
    with pytest.raises(ValueError, match='chooses its pixels itself.*remove sampler='):
        head.loss_by_feat(torch.randn(1, 3, 5, 5), [sample])


def test_plain_heads_can_use_it():
    head = MODELS.build(
        dict(type='FCNHead', in_channels=4, channels=4, num_classes=3, num_convs=1, loss_decode=dict(type='OHEMLoss')))
    assert isinstance(head.loss_decode, OHEMLoss)


def test_wrong_threshold_is_named():
    with pytest.raises(ValueError, match='0 < thres <= 1'):
        OHEMLoss(thres=0)
