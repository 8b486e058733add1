"""Nothing in a step needs a value on the host: a GPU works through it without being waited for."""
import copy

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from segfusion.models.losses import (
    ClasswiseDiceLoss,
    DualTaskLoss,
    ImageWeightedCrossEntropyLoss,
    OHEMLoss,
    WeightedCrossEntropyLoss,
)
from segfusion.ops import canny
from segfusion.ops.crf import gaussian_filter
from segfusion.ops.crf.gaussian_filter import gaussian_kernel
from segfusion.ops.crf.mean_field import mean_field
from tests.references.networks import NETWORKS, network
from tests.references.waits import no_waiting

LOSSES = [
    OHEMLoss(min_kept=20),
    OHEMLoss(min_kept=10**6),
    OHEMLoss(min_kept=0),
    OHEMLoss(min_kept=20, class_weight=[1, 2, 3]),
    WeightedCrossEntropyLoss([1., 2., 3.]),
    ImageWeightedCrossEntropyLoss(),
    ClasswiseDiceLoss(),
    DualTaskLoss(),
    DualTaskLoss('paper', radius=1),
]


@pytest.mark.parametrize('function', [
    lambda x: x.sum().item(), lambda x: bool((x > 0).any()), lambda x: x[x > 0], lambda x: torch.nonzero(x),
    lambda x: x.masked_select(x > 0), lambda x: x.unique(), lambda x: x.to('meta'),
    lambda x: x.__setitem__(x > 0, x.sum()[None]), lambda x: int(x.sum()),
])
def test_the_detector_detects(function):
    with pytest.raises(RuntimeError, match='waits for the device'), no_waiting():
        function(torch.ones(3))


def test_the_detector_sees_copies_to_the_device():
    x = torch.empty(3, device='meta')
    with pytest.raises(RuntimeError, match='waits for the device'), no_waiting():
        x * x.new_tensor([1., 2., 3.])
    with no_waiting():
        assert torch.where(x[:2] > 0, x[:2], 0.).sum().device == x.device


@pytest.mark.parametrize('device', ['cpu', 'meta'])
@pytest.mark.parametrize('loss', LOSSES, ids=lambda loss: f'{type(loss).__name__}-{getattr(loss, "min_kept", "")}')
def test_losses(loss, device):
    if device == 'cpu' and isinstance(loss, (ClasswiseDiceLoss, DualTaskLoss)):
        pytest.skip('torch looks at what one_hot gets, on a processor only')
    logits = torch.randn(2, 3, 5, 7, device=device, requires_grad=True)
    label = torch.randint(0, 3, (2, 5, 7), device=device)
    loss = loss.to(device)
    with no_waiting():
        value = loss(logits, label)
        value.backward()
    assert value.shape == () and logits.grad.shape == logits.shape


# Half of torch 2.1's autocast does not know meta, and the deformable aligner switches autocast off. Canny's edges grow
# until nothing changes: Gated-SCNN waits for that, as its authors wait for OpenCV.
ON_META = [name for name in NETWORKS if name not in ('deformable', 'gscnn')]


@pytest.mark.parametrize('name', ON_META)
def test_networks_and_their_gradients(name, monkeypatch):
    """Main head and auxiliary heads, up to their logits (mmseg's own accuracy waits, in every step)."""
    # The one that has to: Canny's hysteresis looks whether edges still grow.
    monkeypatch.setitem(canny.__globals__, 'connected_to', lambda seeds, allowed: seeds)
    model = network(name).to('meta')
    heads = [m for m in model.modules() if isinstance(m, BaseDecodeHead) and m is not model.decode_head]
    image = torch.empty(2, 3, 65, 97, device='meta')
    for training in (True, False):
        model.train(training)
        with no_waiting():
            features = model.extract_feat(image)
            logits = [model.decode_head(features)] + [head(features) for head in heads if training]
            if training:
                sum(one.mean() for one in logits).backward()
    assert all(one.device.type == 'meta' for one in logits)


def test_deformable_alignment():
    model = network('deformable').train()
    with no_waiting():
        model.decode_head(model.extract_feat(torch.randn(2, 3, 33, 65))).mean().backward()


def on_meta(value):
    """A kernel with all tensors moved to ``meta``."""
    out = copy.copy(value)
    for key, one in vars(value).items():
        moved = one.to('meta') if isinstance(one, torch.Tensor) else on_meta(one) if key == 'lattice' else one
        object.__setattr__(out, key, moved)
    return out


@pytest.mark.parametrize('segment', [False, True])
def test_mean_field_iterations(segment, monkeypatch):
    """Once the lattices stand (their number of vertices is a value), iterations and gradients run through."""
    monkeypatch.setattr(gaussian_filter, 'strips_work', lambda *args: False)  # loops for processors
    if segment:  # what a GPU does
        build = gaussian_filter.build_lattice
        monkeypatch.setattr(gaussian_filter, 'build_lattice', lambda *args: build(*args, segment=4))
    image = 255 * torch.rand(1, 3, 9, 11)
    kernels = [gaussian_kernel((9, 11), torch.tensor(3.)), gaussian_kernel((9, 11), 20., image, 30.)]
    matrices = [torch.empty(size, device='meta', requires_grad=True) for size in ((3, 3), ())]
    unary = torch.empty(99, 3, device='meta', requires_grad=True)
    kernels = [on_meta(kernel) for kernel in kernels]
    with no_waiting():
        mean_field(unary, kernels, matrices, 3).mean().backward()
    assert unary.grad.shape == unary.shape and matrices[0].grad.shape == (3, 3)


def test_refining_what_is_not_padding():
    """Images with different margins: their numbers come from the meta information, not from the device."""
    model = MODELS.build(dict(
        type='RefinedEncoderDecoder', backbone=dict(type='ResNet', depth=18), refiner=dict(type='CRFAsRNN'),
        decode_head=dict(type='FCNHead', channels=4, num_classes=3), train_cfg=dict(), test_cfg=dict(mode='whole')))
    model.refiner.forward = lambda logits, image: logits * 2
    logits, image = torch.randn(3, 3, 8, 8, device='meta'), torch.randn(3, 3, 8, 8, device='meta')
    with no_waiting():
        out = model.refine(logits, image, [(0, 8, 0, 8), (0, 6, 0, 8), (0, 8, 0, 8)])
    assert out.shape == logits.shape and out.device.type == 'meta'


def test_a_whole_loss_of_a_head_waits_only_in_mmsegs_accuracy(monkeypatch):
    monkeypatch.setattr('mmseg.models.decode_heads.decode_head.accuracy',
                        lambda logits, *args, **kwargs: logits.new_zeros(()))
    model = network('sfnet').train()
    labels = torch.randint(0, 11, (2, 1, 65, 97))
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
    with no_waiting():
        losses = model.loss(torch.randn(2, 3, 65, 97), samples)
        total, _ = model.parse_losses(losses)
        total.backward()
