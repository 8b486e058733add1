"""Operators on the device against the processor."""
import pytest
import torch
from torch.autograd import gradcheck

from segfusion.models.refine import CRFAsRNN
from segfusion.ops import crf, warp
from segfusion.ops.crf import gaussian_filter, permutohedral
from segfusion.ops.crf.gaussian_filter import gaussian_kernel
from segfusion.ops.crf.mean_field import mean_field

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('reproducible', [False, True])
@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('padding_mode', ['zeros', 'border'])
def test_warp_has_the_gradient_of_its_numbers(padding_mode, align_corners, reproducible, device):
    x = torch.randn(2, 2, 4, 5, dtype=torch.float64, device=device, requires_grad=True)
    offset = (1.3 * torch.randn(2, 2, 5, 6, dtype=torch.float64, device=device)).requires_grad_()
    torch.use_deterministic_algorithms(reproducible)
    try:
        assert gradcheck(lambda a, b: warp(a, b, align_corners=align_corners, padding_mode=padding_mode), (x, offset))
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize('options', [
    dict(weights='scalar'), dict(weights='diagonal'), dict(weights='full', learn_compatibility=True),
    dict(method='dense'), dict(method='half', iterations=4), dict(save='lean', normalization='after'),
    dict(learn_bandwidths=True, iterations=2)], ids=str)
def test_crf_is_that_of_the_processor(options, device, single_precision):
    """Inference and every gradient; 80x96 pixels, so that a splat has long groups."""
    ramp = torch.linspace(0, 255, 96).expand(80, 96)
    image = torch.stack([ramp, ramp.flip(1), 255 * (torch.rand(80, 96) > 0.5).float()]).round()[None].repeat(2, 1, 1, 1)
    unary, probe = torch.randn(2, 5, 80, 96), torch.randn(2, 5, 80, 96)
    results = []
    for place in ('cpu', device):
        torch.manual_seed(2)
        layer = CRFAsRNN(5, **options).to(place)
        logits = unary.clone().to(place).requires_grad_()
        out = layer(logits, image.to(place))
        (out * probe.to(place)).sum().backward()
        results.append([out.detach().cpu(), logits.grad.cpu()] + [p.grad.cpu() for p in layer.parameters()])
    for one, other in zip(*results):
        assert (one - other).abs().max() <= 1e-4 * one.abs().max().clamp(min=1)


@pytest.mark.parametrize('options', [dict(), dict(weights='full', learn_compatibility=True, save='lean')], ids=str)
def test_crf_by_triton_is_that_by_pytorch(options, device, single_precision, monkeypatch):
    pytest.importorskip('triton')
    image, unary = 255 * torch.rand(2, 3, 40, 50, device=device), torch.randn(2, 21, 40, 50, device=device)
    results = []
    for by_triton in (True, False):
        if not by_triton:
            monkeypatch.setattr(permutohedral, '_bags_of', lambda table: None)
        gaussian_filter._position_kernel.cache_clear()
        torch.manual_seed(2)
        layer, logits = CRFAsRNN(21, **options).to(device), unary.clone().requires_grad_()
        out = layer(logits, image)
        out.square().mean().backward()
        results.append([out.detach(), logits.grad, *(p.grad for p in layer.parameters())])
    for one, other in zip(*results):
        assert (one - other).abs().max() <= 1e-5 * other.abs().max()


def test_crf_gives_the_same_bits_twice(device):
    image, unary = 255 * torch.rand(1, 3, 40, 50, device=device), torch.randn(1, 4, 40, 50, device=device)
    one, other = (crf(unary, image, bilateral_weight=torch.eye(4, device=device)) for _ in range(2))
    assert torch.equal(one, other)


def test_mean_field_iterations_do_not_wait(device, never_waits):
    """Building a lattice does, once a batch: the number of its vertices is a value."""
    image = 255 * torch.rand(1, 3, 20, 30, device=device)
    kernels = [gaussian_kernel((20, 30), 3., device=device), gaussian_kernel((20, 30), 20., image, 30.)]
    unary = torch.randn(600, 3, device=device, requires_grad=True)
    matrices = [torch.eye(3, device=device, requires_grad=True), torch.ones((), device=device, requires_grad=True)]
    mean_field(unary, kernels, matrices, 3).mean().backward()
    with never_waits():
        mean_field(unary, kernels, matrices, 3).mean().backward()
