import pytest
import torch
from torch.autograd import gradcheck

from segfusion.ops.crf.gaussian_filter import from_rows, gaussian_kernel, to_rows
from segfusion.ops.crf.mean_field import _by_bags, _by_product, mean_field
from tests.references.golden import load


def golden():
    return {k: torch.from_numpy(v) for k, v in load('crf_rnn').items()}


def matrices(data, kind):
    if kind == 'rand':
        return [data[f'rand_{name}'] for name in ('spatial', 'bilateral', 'compat')]
    return [3 * torch.eye(5), 5 * torch.eye(5), torch.eye(5)]


def kernels(image, normalization='after', method='lattice', sigmas=(3., 160., 3.)):
    kwargs = dict(normalization=normalization, method=method)
    spatial = gaussian_kernel(image.shape[2:], sigmas[0], images=len(image), dtype=image.dtype, **kwargs)
    return [spatial, gaussian_kernel(image.shape[2:], sigmas[1], image, sigmas[2], **kwargs)]


@pytest.mark.parametrize('loops', ['compiled', 'torch'])
@pytest.mark.parametrize('save', ['fast', 'lean'])
@pytest.mark.parametrize('kind', ['default', 'rand'])
def test_equals_crfasrnn_pytorch(kind, save, loops, monkeypatch):
    if loops == 'torch':
        monkeypatch.setitem(gaussian_kernel.__globals__, 'strips_work', lambda dtype, device: False)
    data = golden()
    spatial, bilateral, compat = (m.requires_grad_() for m in matrices(data, kind))
    unary = data['unaries'].requires_grad_()
    for steps in (1, 5, 10):
        compats = [compat @ spatial, compat @ bilateral]
        out = from_rows(mean_field(to_rows(unary), kernels(data['image']), compats, steps, save=save), unary)
        expected = data[f'out_{kind}_T{steps}']
        torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-6)
        if steps == 5:
            (out * data['grad_probe']).sum().backward()
    for tensor, name in ((unary, 'unary'), (spatial, 'spatial_ker_weights'), (bilateral, 'bilateral_ker_weights'),
                         (compat, 'compatibility_matrix')):
        expected = data[f'grad_{name}_{kind}_T5']
        # Sums over 768 pixels and 5 iterations, up to 1e3: single precision leaves 1e-6 of the largest.
        assert (tensor.grad - expected).abs().max() <= 1e-5 * max(1, expected.abs().max().item()), name


@pytest.mark.parametrize('rows', [1, 7, 4096, 5001])
def test_classes_are_mixed_alike_by_bags_and_by_a_matrix_product(rows):
    """The one on a processor, the other on a GPU; also in place, as the backward pass does it."""
    table, matrix = torch.randn(rows, 5, dtype=torch.float64), torch.randn(5, 5, dtype=torch.float64)
    expected = torch.einsum('rj,ij->ri', table, matrix)
    for function in (_by_bags, _by_product):
        torch.testing.assert_close(function(table, matrix, torch.empty_like(table)), expected)
        own = table.clone()
        torch.testing.assert_close(function(own, matrix, own), expected)


def test_a_matrix_product_gives_the_same_inference_and_gradients(monkeypatch):
    data = golden()
    results = []
    for path in (_by_bags, _by_product):
        monkeypatch.setitem(mean_field.__globals__, '_by_bags', path)
        unary = data['unaries'].clone().requires_grad_()
        pair = [m.clone().requires_grad_() for m in matrices(data, 'rand')[:2]]
        for save in ('fast', 'lean'):
            out = mean_field(to_rows(unary), kernels(data['image']), pair, 3, save=save)
            (from_rows(out, unary) * data['grad_probe']).sum().backward()
        results.append([out.detach(), unary.grad, pair[0].grad, pair[1].grad])
    for one, other in zip(*results):
        assert (one - other).abs().max() <= 1e-5 * one.abs().max()


@pytest.mark.parametrize('kind', ['default', 'rand'])
def test_stays_as_close_to_exact_inference_as_crfasrnn_pytorch(kind):
    data = golden()
    spatial, bilateral, compat = matrices(data, kind)
    exact = data[f'exact_{kind}_T5'].softmax(1)
    theirs = (data[f'out_{kind}_T5'].softmax(1) - exact).abs().mean()
    errors = {}
    for method in ('lattice', 'dense', 'exact'):
        out = mean_field(
            to_rows(data['unaries']), kernels(data['image'], method=method), [compat @ spatial, compat @ bilateral], 5)
        errors[method] = (from_rows(out, data['unaries']).softmax(1) - exact).abs().mean()
    assert errors['lattice'] <= theirs * 1.001
    assert errors['dense'] < errors['lattice']
    assert errors['exact'] < 1e-5


SHAPES = {'scalar': (), 'diagonal': (3, ), 'matrix': (3, 3)}


@pytest.mark.parametrize('save', ['fast', 'lean'])
@pytest.mark.parametrize('shape, normalization, started', [('scalar', 'symmetric', False), ('diagonal', 'after', False),
                                                         ('matrix', 'after', True), ('matrix', 'symmetric', False)])
def test_gradient(save, shape, normalization, started):
    image = torch.rand(2, 3, 2, 3, dtype=torch.float64) * 99
    ks = kernels(image, normalization, sigmas=(1.5, 3., 40.))
    unary = torch.randn(12, 3, dtype=torch.float64, requires_grad=True)
    compats = [torch.randn(SHAPES[shape], dtype=torch.float64, requires_grad=True) for _ in range(2)]
    start = torch.randn(12, 3, dtype=torch.float64).softmax(1).requires_grad_() if started else None

    def function(u, a, b, s=None):
        return mean_field(u, ks, [a, b], 3, s, save)

    assert gradcheck(function, (unary, *compats, start) if started else (unary, *compats))


def test_policies_and_inference_give_the_same_bits():
    image = torch.rand(1, 3, 11, 14) * 255
    ks = kernels(image, sigmas=(3., 9., 20.))
    unary = torch.randn(154, 6)
    compats = [torch.randn(6, 6), torch.randn(6)]
    results, grads = [mean_field(unary, ks, compats, 4)], []
    for save in ('fast', 'lean'):
        u = unary.clone().requires_grad_()
        results.append(mean_field(u, ks, compats, 4, save=save))
        results[-1].square().sum().backward()
        grads.append(u.grad)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])
    assert torch.equal(*grads)


def test_without_pairwise_is_identity():
    unary = torch.randn(20, 4)
    image = torch.rand(1, 3, 4, 5) * 255
    assert torch.equal(mean_field(unary, kernels(image), [torch.tensor(0.), torch.zeros(4, 4)], 5), unary)
    assert mean_field(unary, kernels(image), [torch.tensor(1.), torch.zeros(4, 4)], 0) is unary


def test_start_is_the_first_belief():
    image = torch.rand(1, 3, 4, 5) * 255
    unary, ks, compats = torch.randn(20, 4), kernels(image), [torch.tensor(2.), torch.tensor(3.)]
    given = mean_field(unary, ks, compats, 3, start=unary.softmax(1))
    torch.testing.assert_close(given, mean_field(unary, ks, compats, 3), atol=1e-6, rtol=1e-6)  # two softmaxes


def test_single_precision_under_autocast():
    image = torch.rand(1, 3, 6, 7) * 255
    unary, compat = torch.randn(42, 3, requires_grad=True), torch.randn(3, 3, requires_grad=True)
    ks, plain = kernels(image), []
    for enabled in (False, True):
        unary.grad = compat.grad = None
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=enabled):
            out = mean_field(unary, ks, [compat, compat], 3)
            out.square().sum().backward()
        plain.append((out.detach(), unary.grad, compat.grad))
    assert plain[1][0].dtype == torch.float32
    for a, b in zip(*plain):
        assert torch.equal(a, b)


@pytest.mark.parametrize('change, message', [
    (dict(unary=torch.zeros(9, 2, dtype=torch.float16)), 'float32 or float64 unary'),
    (dict(compats=[torch.tensor(1.)]), 'one compatibility a kernel'),
    (dict(compats=[torch.ones(3), torch.ones(3)]), 'compatibility of shape'),
    (dict(unary=torch.zeros(8, 2)), 'cannot filter 8 rows'),
    (dict(save='none'), 'expected save='),
    (dict(iterations=-1), 'iterations >= 0'),
])
def test_errors(change, message):
    given = dict(
        unary=torch.zeros(9, 2),
        kernels=kernels(torch.zeros(1, 3, 3, 3)),
        compats=[torch.tensor(1.), torch.ones(2)],
        iterations=1)
    with pytest.raises(ValueError, match=message):
        mean_field(**{**given, **change})
