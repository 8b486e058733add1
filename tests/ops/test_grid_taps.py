import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import deform_conv2d

from segfusion.ops import deform_conv_by_warps, warp
from segfusion.ops.adaptive_pool import adaptive_avg_pool
from segfusion.ops.grid_taps import deterministic_grid_sample, gather_sample
from segfusion.portable import portable_operations

MODES = [(corners, padding) for corners in (True, False) for padding in ('border', 'zeros')]


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def positions(kind, size, dtype=torch.float32):
    """Normalised positions: inside and outside, or exactly on pixel centres and borders."""
    if kind == 'random':
        return torch.rand(2, *size, 2, dtype=dtype) * 2.6 - 1.3
    grid = F.affine_grid(torch.eye(2, 3, dtype=dtype).repeat(2, 1, 1), [2, 1, *size], align_corners=kind == 'centres')
    return grid


@pytest.mark.parametrize('kind', ['random', 'centres', 'edges'])
@pytest.mark.parametrize('corners, padding', MODES)
def test_taps_are_grid_sample(kind, corners, padding):
    """Values to rounding, and both gradients: by look-ups, and with the backward of a fixed order."""
    x, grid = torch.randn(2, 3, 5, 7), positions(kind, (5, 7))
    probe = torch.randn(2, 3, 5, 7)
    results = []
    for function in (lambda a, b: F.grid_sample(a, b, padding_mode=padding, align_corners=corners),
                     lambda a, b: deterministic_grid_sample(a, b, padding, corners),
                     lambda a, b: gather_sample(a, b, padding, corners)):
        a, b = x.clone().requires_grad_(), grid.clone().requires_grad_()
        y = function(a, b)
        results.append((y.detach(), *torch.autograd.grad((y * probe).sum(), (a, b))))
    truth, fixed, looked_up = results
    assert torch.equal(fixed[0], truth[0])
    for ours, theirs in zip(fixed[1:], truth[1:]):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(looked_up[0], truth[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(looked_up[1], truth[1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('corners, padding', MODES)
def test_gradcheck(corners, padding):
    x = torch.randn(2, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    grid = (torch.rand(2, 2, 3, 2, dtype=torch.float64) * 2.4 - 1.2).requires_grad_()
    torch.autograd.gradcheck(lambda a, b: deterministic_grid_sample(a, b, padding, corners), (x, grid))


def nodes(tensor):
    """Names of everything backward will run."""
    seen, queue = set(), [tensor.grad_fn]
    while queue:
        node = queue.pop()
        if node is not None and node not in seen:
            seen.add(node)
            queue += [n for n, _ in node.next_functions]
    return {type(node).__name__ for node in seen}


def test_deterministic_mode_chooses_the_fixed_order(deterministic):
    x, offset = torch.randn(1, 2, 4, 5, requires_grad=True), torch.randn(1, 2, 6, 7)
    assert '_DeterministicSampleBackward' in nodes(warp(x, offset, align_corners=True))
    torch.use_deterministic_algorithms(False)
    assert 'GridSampler2DBackward0' in nodes(warp(x, offset, align_corners=True))


@pytest.mark.parametrize('masked', [True, False])
def test_deformable_convolution_is_a_sum_of_warps(masked):
    x, offset = torch.randn(2, 3, 5, 6), torch.randn(2, 18, 5, 6) * 2
    weight, mask = torch.randn(4, 3, 3, 3), torch.rand(2, 9, 5, 6) if masked else None
    inputs = [x.requires_grad_(), offset.requires_grad_(), weight.requires_grad_()]
    ours = deform_conv_by_warps(x, offset, weight, mask)
    theirs = deform_conv2d(x, offset, weight, padding=1, mask=mask)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    probe = torch.randn_like(ours)
    for a, b in zip(*(torch.autograd.grad((y * probe).sum(), inputs) for y in (ours, theirs))):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('size', [1, 2, 3, 6, (2, 5)])
def test_pooling_by_products_is_adaptive_pooling(size, deterministic):
    x = torch.randn(2, 3, 7, 11, requires_grad=True)
    truth = F.adaptive_avg_pool2d(x, size)
    torch.testing.assert_close(adaptive_avg_pool(x, size), truth)
    assert 'AdaptiveAvgPool2DBackward0' not in nodes(adaptive_avg_pool(x, size)) or size == 1
    torch.use_deterministic_algorithms(False)
    with portable_operations():
        torch.testing.assert_close(adaptive_avg_pool(x, size), truth)
