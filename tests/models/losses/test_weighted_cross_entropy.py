import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from segfusion.models.losses import ClasswiseDiceLoss, ImageWeightedCrossEntropyLoss, WeightedCrossEntropyLoss

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


@pytest.mark.parametrize('loss', [
    WeightedCrossEntropyLoss(WEIGHTS), ImageWeightedCrossEntropyLoss(), ClasswiseDiceLoss()],
    ids=lambda loss: type(loss).__name__)
def test_weights_of_a_pixel_sampler_count(loss):
    logits, label = torch.randn(2, 3, 5, 7), torch.randint(0, 3, (2, 5, 7))
    label[:, 0] = 255
    share = torch.randint(0, 2, label.shape).float()
    share[0, 1, 0] = 1
    got = loss(logits, label, weight=share)
    assert abs(got - loss(logits, label)) > 1e-3
    if isinstance(loss, ImageWeightedCrossEntropyLoss):  # its class weights come from all labels
        expected = 0
        for one, truth, s in zip(logits, label, share):
            part = torch.bincount(truth[truth != 255], minlength=3) / (truth != 255).sum()
            w = (2 - part)[truth.clamp(max=2)] * (truth != 255) * s
            pixel = F.cross_entropy(one[None], truth[None], ignore_index=255, reduction='none')[0]
            expected = expected + (w * pixel).sum() / w.sum()
    else:
        expected = loss(logits, torch.where(share == 1, label, 255))  # what is not chosen might as well be void
    torch.testing.assert_close(got, expected)
    assert loss(logits, label, weight=share * 0).abs() < 1e-6


@pytest.mark.parametrize('thresh', [0.5, None])
def test_mmsegs_pixel_sampler_chooses_the_hard_pixels(thresh):
    head = MODELS.build(
        dict(type='FCNHead', in_channels=4, channels=4, num_classes=3, num_convs=1,
             loss_decode=dict(type='WeightedCrossEntropyLoss', class_weight=WEIGHTS),
             sampler=dict(type='OHEMPixelSampler', thresh=thresh, min_kept=3)))
    logits, label = torch.randn(1, 3, 4, 5), torch.randint(0, 3, (1, 1, 4, 5))
    label[..., 0] = 255
    got = head.loss_by_feat(logits, [SegDataSample(gt_sem_seg=PixelData(data=label[0]))])['loss_ce']
    pixel = F.cross_entropy(logits, label[:, 0], ignore_index=255, reduction='none')
    w = torch.tensor(WEIGHTS + [0.] * 253)[label[:, 0]]
    if thresh is None:  # the three of the largest loss
        chosen = (pixel * w).flatten().topk(3).indices
    else:  # all that are less probable than thresh, or than the fourth
        order = pixel[label[:, 0] != 255].sort(descending=True).values
        chosen = (pixel > min(-torch.tensor(thresh).log(), order[3])).flatten().nonzero()[:, 0]
    pixel, w = pixel.flatten()[chosen], w.flatten()[chosen]
    torch.testing.assert_close(got, (pixel * w).sum() / w.sum())


def test_other_reductions_are_refused():
    with pytest.raises(ValueError, match="'mean' or 'none', got 'sum'"):
        WeightedCrossEntropyLoss(WEIGHTS)(torch.randn(1, 3, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long),
                                          reduction_override='sum')
