"""The loops that Numba compiles against the same filters by PyTorch."""
import sys

import pytest
import torch

from segfusion.models.refine import CRFAsRNN
from segfusion.ops.crf import strips
from segfusion.ops.crf.dense_crf import crf
from segfusion.ops.crf.gaussian_filter import NORMALIZATIONS, gaussian_kernel, pixel_features, to_rows
from segfusion.ops.crf.kernels import LatticeKernel
from segfusion.ops.crf.mean_field import mean_field
from segfusion.ops.crf.permutohedral import build_lattice

pytest.importorskip('numba')


@pytest.fixture(autouse=True)
def short_strips(monkeypatch):
    """Several strips in a small image, the last one shorter."""
    monkeypatch.setattr(strips, 'STRIP', 50)
    gaussian_kernel.__globals__['_position_kernel'].cache_clear()
    yield
    gaussian_kernel.__globals__['_position_kernel'].cache_clear()


@pytest.fixture
def by_torch(monkeypatch):
    """Switches to PyTorch."""
    return lambda: monkeypatch.setitem(gaussian_kernel.__globals__, 'strips_work', lambda dtype, device: False)


def scene(height=13, width=17, images=2, classes=5):
    image = (torch.rand(images, 3, height, width) * 40).round()
    image[..., width // 2:] += 120
    return torch.randn(images, classes, height, width), image


def pair(image, normalization='symmetric', blurs=1, dilations=0):
    """A kernel in strips and one by PyTorch."""
    features = pixel_features(None, 6., image, 20.)
    lattice = build_lattice(features, [features.shape[1] // len(image)] * len(image), blurs, dilations)
    return (strips.StripKernel(features, normalization, len(image), blurs, dilations),
            LatticeKernel(lattice, normalization, len(image)), lattice)


@pytest.mark.parametrize('blurs, dilations', [(1, 0), (2, 1)])
def test_the_lattice_is_the_same_bit_for_bit(blurs, dilations):
    ours, _, lattice = pair(scene()[1], 'before', blurs, dilations)
    rows = [torch.from_numpy(ours.source[ours.bounds[s]:ours.bounds[s + 1]]) for s in range(ours.strips)]
    corner = torch.cat([rows[s][torch.from_numpy(ours.index[ours.points[s]:ours.points[s + 1]]).long()]
                        for s in range(ours.strips)])
    assert torch.equal(corner, lattice.corner)
    assert torch.equal(torch.from_numpy(ours.out_weight), lattice.weight)
    assert torch.equal(torch.from_numpy(ours.neighbour).flatten(1), lattice.neighbour)


@pytest.mark.parametrize('how', NORMALIZATIONS)
@pytest.mark.parametrize('channels', [1, 16, 21, 33])
def test_filter_and_adjoint_are_those_of_pytorch(how, channels):
    ours, theirs, _ = pair(scene()[1], how)
    rows = torch.randn(442, channels)
    for name in ('filter', 'adjoint'):
        one, other = (getattr(kernel, name)(rows) for kernel in (ours, theirs))
        assert (one - other).abs().max() <= 1e-6 * other.abs().max()


@pytest.mark.parametrize('save', ['fast', 'lean'])
@pytest.mark.parametrize('shape, how, started', [((), 'symmetric', False), ((5, ), 'after', True),
                                                 ((5, 5), 'before', False), ((5, 5), 'after', True)])
def test_mean_field_and_gradients_are_those_of_pytorch(save, shape, how, started):
    ours, theirs, _ = pair(scene()[1], how)
    probe, results = torch.randn(442, 5), []
    given = [torch.randn(442, 5), torch.randn(shape), torch.randn(()), torch.randn(442, 5).softmax(1)]
    for kernel in (ours, theirs):
        unary, one, other, start = (x.clone().requires_grad_() for x in given)
        out = mean_field(unary, [kernel, kernel], [one, other], 3, start if started else None, save)
        (out * probe).sum().backward()
        results.append([out.detach(), unary.grad, one.grad, other.grad] + [start.grad] * started)
    for one, other in zip(*results):
        assert (one - other).abs().max() <= 2e-6 * other.abs().max()


def test_the_layer_is_the_same_with_and_without(by_torch):
    logits, image = scene(classes=21)
    results = []
    for switch in (lambda: None, by_torch):
        switch()
        torch.manual_seed(1)
        layer, unary = CRFAsRNN(21, weights='full', learn_compatibility=True), logits.clone().requires_grad_()
        out = layer(unary, image)
        out.logsumexp(1).sum().backward()
        results.append([out.detach(), unary.grad, *(p.grad for p in layer.parameters())])
    for one, other in zip(*results):
        assert (one - other).abs().max() <= 2e-6 * other.abs().max()


def test_bits_depend_on_neither_threads_nor_batch():
    logits, image = scene(images=3)
    found, threads = [], torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            found.append(crf(logits, image))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*found)
    for i in range(3):
        assert torch.equal(crf(logits[i:i + 1], image[i:i + 1])[0], found[0][i])


def test_a_broken_logit_is_not_hidden():
    logits, image = scene(images=2)
    logits[0, 2, 3, 4] = float('nan')
    out = crf(logits, image)
    assert out[0].isnan().any() and not out[1].isnan().any()


def test_kinds_of_kernels_do_not_mix():
    ours, theirs, _ = pair(scene()[1])
    with pytest.raises(ValueError, match='kernels of one method'):
        mean_field(torch.zeros(442, 2), [ours, theirs], [torch.ones(())] * 2, 1)


def test_a_numba_that_cannot_be_used_is_named(monkeypatch):
    monkeypatch.delattr(sys.modules['segfusion.ops.crf'], 'strip_loops', raising=False)
    monkeypatch.setitem(sys.modules, 'segfusion.ops.crf.strip_loops', None)
    with pytest.warns(UserWarning, match='several times slower: Numba cannot be used'):
        assert strips._compiled.__wrapped__() is None


@pytest.mark.parametrize('size', [(2, 5, 13, 17), (1, 1, 1, 1), (3, 21, 40, 57)])
def test_rows_are_those_of_a_permutation(size):
    x = torch.randn(size)
    assert torch.equal(to_rows(x), x.permute(0, 2, 3, 1).reshape(-1, size[1]))
    assert torch.equal(to_rows(x[:, :, ::2]), x[:, :, ::2].permute(0, 2, 3, 1).reshape(-1, size[1]))
    assert to_rows(x.requires_grad_()).requires_grad


def test_unary_of_the_caller_stays():
    logits, image = scene()
    kept = logits.contiguous(memory_format=torch.channels_last)  # whose rows need no copy
    before = kept.clone()
    out = crf(kept, image, iterations=2)
    assert torch.equal(kept, before)
    torch.testing.assert_close(out, crf(logits, image, iterations=2), rtol=0, atol=0)
