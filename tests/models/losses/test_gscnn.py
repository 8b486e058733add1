"""Gated-SCNN's losses against the authors' values and gradients; the paper's forms against their equations."""
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from segfusion.models.decode_heads import EdgeHead
from segfusion.models.decode_heads.deep_supervision import offer_side_outputs
from segfusion.models.losses import BalancedEdgeLoss, DualTaskLoss, ImageWeightedCrossEntropyLoss
from segfusion.models.losses.dual_task import gradient_magnitude, triangle_filter
from tests.references import golden


@pytest.fixture(scope='module')
def data():
    arrays = golden.load('modern_gscnn_losses')
    tensors = {k: torch.from_numpy(arrays[k]) for k in arrays if arrays[k].dtype.kind in 'fu'}
    tensors['labels'] = tensors['labels'].long()
    return tensors, json.loads(str(arrays['values']))


def test_values_and_gradients_are_the_authors(data):
    tensors, values = data
    logits, edge = (tensors[k].clone().requires_grad_() for k in ('logits', 'edge'))
    labels, uniform = tensors['labels'], tensors['gumbel_uniform'].view_as(logits)
    near = labels.masked_fill(edge[:, 0] <= 0.8, 255)
    losses = dict(
        seg_loss=ImageWeightedCrossEntropyLoss()(logits, labels),
        edge_loss=BalancedEdgeLoss()(edge, tensors['edge_labels']),
        att_loss=ImageWeightedCrossEntropyLoss()(logits, near),
        dual_loss=DualTaskLoss()(logits, labels, uniform))
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(values[name], rel=1e-6), name
    sum(losses.values()).backward()
    golden.assert_parity(edge.grad, tensors['grad_edge'], 1e-5)
    golden.assert_parity(logits.grad[:, ::3], tensors['grad_logits'], 1e-5)


def test_the_edge_head_gives_them_all(data, monkeypatch):
    """From the side outputs of the main head and samples as a pipeline packs them."""
    tensors, values = data
    uniform = tensors['gumbel_uniform'].view_as(tensors['logits'])
    monkeypatch.setattr(torch, 'rand_like', lambda x: uniform)
    levels = [torch.zeros(2, 1, 4, 5)]
    offer_side_outputs(levels, (tensors['edge'], tensors['logits']), tensors['logits'])
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=label[None]), gt_edge_map=PixelData(data=edge.long()))
        for label, edge in zip(tensors['labels'], tensors['edge_labels'])
    ]
    losses = EdgeHead(num_classes=19).loss(levels, samples)
    expected = dict(loss_edge='edge_loss', loss_attention='att_loss', loss_dual='dual_loss')
    assert {k: v.item() for k, v in losses.items()} == pytest.approx({k: values[v] for k, v in expected.items()})
    with pytest.raises(ValueError, match="dict\\(type='BoundaryLabels', num_classes=19\\)"):
        EdgeHead(num_classes=19).loss(levels, [SegDataSample(gt_sem_seg=samples[0].gt_sem_seg)])


def test_class_weights_are_those_of_each_image():
    """One image half class 0, a quarter 1, a quarter void; the other all void."""
    logits, label = torch.randn(2, 3, 4, 4).double(), torch.zeros(2, 4, 4, dtype=torch.long)
    label[0, 2] = 1
    label[0, 3] = 255
    label[1] = 255
    weights = torch.tensor([1 + 1 / 3, 1 + 2 / 3, 1.]).double()
    expected = F.cross_entropy(logits[:1], label[:1], weight=weights, ignore_index=255)
    loss = ImageWeightedCrossEntropyLoss(loss_weight=0.5)
    torch.testing.assert_close(loss(logits, label), expected / 2)
    # a sum: twice the image, twice the loss
    torch.testing.assert_close(loss(logits[[0, 0]], label[[0, 0]]), expected)
    assert loss(logits[1:], label[1:]) == 0


def test_released_edge_loss_cannot_vanish_and_the_papers_can():
    label = torch.zeros(1, 1, 4, 6, dtype=torch.long)
    label[..., :3] = 1
    label[..., 0, :] = 255  # padding: no weight, but in the mean
    perfect = (label == 1).double()
    assert BalancedEdgeLoss('paper')(perfect, label) < 1e-4
    expected = 20 * 18 / 24 * 0.5 * np.mean([np.log(1 + np.exp(-1)), np.log(2)])
    assert BalancedEdgeLoss('released')(perfect, label).item() == pytest.approx(expected)


def test_paper_edge_loss_is_its_equation():
    edge = torch.rand(2, 1, 5, 7).double() * 0.9 + 0.05
    label = torch.randint(0, 2, edge.shape)
    share = (label == 0).double().mean().item()
    total = sum(-(share * np.log(e) if t else (1 - share) * np.log(1 - e))
                for e, t in zip(edge.flatten().tolist(), label.flatten().tolist()))
    assert BalancedEdgeLoss('paper', loss_weight=1.)(edge, label).item() == pytest.approx(total / 70, rel=1e-9)
    assert torch.autograd.gradcheck(lambda e: BalancedEdgeLoss('paper')(e, label), edge.requires_grad_())


def test_triangle_filter_of_a_point_is_the_triangle():
    x = torch.zeros(1, 2, 9, 11).double()
    x[0, 1, 4, 5] = 1
    ramp = torch.tensor([1., 2, 3, 2, 1]).double() / 9
    expected = torch.zeros_like(x)
    expected[0, 1, 2:7, 3:8] = torch.outer(ramp, ramp)
    torch.testing.assert_close(triangle_filter(x, 2), expected)
    torch.testing.assert_close(triangle_filter(torch.full_like(x, 3.), 2), torch.full_like(x, 3.))


def test_gradient_magnitude_of_a_plane_is_its_slope():
    y, x = torch.meshgrid(torch.arange(5.), torch.arange(7.), indexing='ij')
    plane = (3 * y - 4 * x)[None, None].double()
    torch.testing.assert_close(gradient_magnitude(plane), torch.full_like(plane, 5.))
    flat = torch.ones(1, 1, 5, 7).double().requires_grad_()
    gradient_magnitude(flat).sum().backward()
    assert not flat.grad.any()  # and no nan


def test_dual_loss_of_the_paper_sees_boundaries_only():
    """Nothing where the predicted boundaries are the true ones; something where they are displaced."""
    label = torch.zeros(1, 24, 32, dtype=torch.long)
    label[:, :, 16:] = 1
    logits = 50. * F.one_hot(label, 3).permute(0, 3, 1, 2).double()
    loss = DualTaskLoss('paper', noise=False)
    assert loss(logits, label) < 1e-6
    moved = [loss(logits.roll(k, dims=3)[..., 4:-4], label[..., 4:-4]).item() for k in (1, 2, 3)]
    assert 1e-3 < moved[0] < moved[1] < moved[2]
    swapped = logits[:, [1, 0, 2]]  # wrong classes, right boundaries
    assert loss(swapped, label) < 1e-6
    assert DualTaskLoss('released', noise=False)(swapped, label) > 0.1


def test_dual_loss_ignores_unlabelled_logits():
    label = torch.randint(0, 3, (1, 12, 16))
    label[:, :6] = 255
    logits = torch.randn(1, 3, 12, 16).double().requires_grad_()
    for form in ('paper', 'released'):
        logits.grad = None
        DualTaskLoss(form)(logits, label).backward()
        assert not logits.grad[:, :, :6].any() and logits.grad[:, :, 6:].any()


def test_dual_loss_gradients():
    label, uniform = torch.randint(0, 2, (1, 6, 7)), torch.rand(1, 2, 6, 7).double()
    x = torch.randn(1, 2, 6, 7).double().requires_grad_()
    loss = DualTaskLoss('paper', radius=2)
    assert torch.autograd.gradcheck(lambda x: loss(x, label, uniform), x)


@pytest.mark.parametrize('kind', [BalancedEdgeLoss, DualTaskLoss])
def test_wrong_forms_are_named(kind):
    with pytest.raises(ValueError, match="'released' or 'paper', got 'code'"):
        kind(form='code')


@pytest.mark.parametrize('kind', ['image', 'edge', 'edge-paper', 'dual', 'dual-paper'])
def test_half_precision_overflows_nowhere(kind):
    """A map of more than 65504 pixels, and probabilities of 0 and 1."""
    label = torch.zeros(1, 260, 300, dtype=torch.long)
    label[:, :2] = 1
    logits = torch.randn(1, 2, 260, 300).half()
    edge = (torch.rand(1, 1, 260, 300) > 0.5).half()
    loss = {
        'image': lambda: ImageWeightedCrossEntropyLoss()(logits, label),
        'edge': lambda: BalancedEdgeLoss()(edge, label[:, None]),
        'edge-paper': lambda: BalancedEdgeLoss('paper')(edge, label[:, None]),
        'dual': lambda: DualTaskLoss()(logits, label, torch.zeros_like(logits)),
        'dual-paper': lambda: DualTaskLoss('paper')(logits, label),
    }[kind]()
    assert torch.isfinite(loss) and loss > 0
