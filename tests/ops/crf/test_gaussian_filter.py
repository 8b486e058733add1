import pytest
import torch
from torch.autograd import gradcheck

from segfusion.ops.crf.gaussian_filter import (
    NORMALIZATIONS,
    gaussian_filter,
    gaussian_kernel,
    halve,
    pixel_features,
)
from tests.references import dense_crf as reference


def scene(size=(14, 19), images=1):
    """Two flat regions with a little noise."""
    image = torch.full((images, 3, *size), 60.)
    image[..., size[1] // 3:] = 170.
    return (image + torch.randn(image.shape) * 4).clamp(0, 255)


@pytest.mark.parametrize('how', NORMALIZATIONS)
@pytest.mark.parametrize('colour', [None, 12.])
def test_exact_is_the_sum_over_all_pairs(how, colour):
    image, x = scene(images=2).double(), torch.randn(2, 3, 14, 19, dtype=torch.float64)
    ours = gaussian_filter(x, 5., None if colour is None else image, colour or 1., normalization=how, method='exact')
    for i in range(2):
        matrix = reference.normalize(reference.gaussian_matrix(image[i], 5., colour), how)
        torch.testing.assert_close(ours[i].flatten(1), x[i].flatten(1) @ matrix.t(), atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize('how', ['symmetric', 'after'])
def test_lattice_is_close_to_exact_and_dense_is_closer(how):
    image, x = scene((24, 31)), torch.rand(1, 4, 24, 31)
    kwargs = dict(sigma_xy=9., image=image, sigma_rgb=13., normalization=how)
    exact = gaussian_filter(x.double(), method='exact', **kwargs)
    errors = {m: (gaussian_filter(x, method=m, **kwargs) - exact).abs().mean().item() for m in ('lattice', 'dense')}
    assert errors['lattice'] < 0.02 * exact.abs().mean()
    assert errors['dense'] < 0.75 * errors['lattice']


@pytest.mark.parametrize('method', ['lattice', 'dense', 'exact', 'half'])
@pytest.mark.parametrize('size', [(1, 1), (1, 7), (5, 1), (9, 13)])
def test_normalized_filter_keeps_constants(method, size):
    image = torch.rand(2, 3, *size) * 255
    out = gaussian_filter(torch.full((2, 1, *size), 3.), 4., image, 20., normalization='after', method=method)
    torch.testing.assert_close(out, torch.full_like(out, 3.))


def test_constant_image_is_filtering_by_position():
    x = torch.rand(1, 2, 11, 8, dtype=torch.float64)
    flat = torch.full((1, 3, 11, 8), 77., dtype=torch.float64)
    exact = [gaussian_filter(x, 3., i, 9., method='exact') for i in (flat, None)]
    torch.testing.assert_close(*exact)
    close = gaussian_filter(x, 3., flat, 9.)
    assert (close - exact[0]).abs().mean() < 0.03 * exact[0].mean()


@pytest.mark.parametrize('method, how', [('lattice', h) for h in NORMALIZATIONS] +
                         [('dense', 'after'), ('half', 'symmetric'), ('exact', 'after'), ('exact', 'before')])
def test_gradient(method, how):
    image = torch.rand(1, 3, 3, 4, dtype=torch.float64) * 60
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)

    def function(v):
        return gaussian_filter(v, 2., image, 20., normalization=how, method=method)

    assert gradcheck(function, (x, ))
    weight = torch.randn(1, 2, 3, 4, dtype=torch.float64)
    # the gradient is linear in what comes back: its own derivative is the filter again
    grad, = torch.autograd.grad((function(x) * weight.requires_grad_()).sum(), x, create_graph=True)
    again, = torch.autograd.grad((grad * x.detach()).sum(), weight)
    torch.testing.assert_close(again, function(x.detach()))


def test_position_kernels_are_kept_and_serve_training_after_inference():
    gaussian_kernel.__globals__['_position_kernel'].cache_clear()
    with torch.inference_mode():
        first = gaussian_kernel((6, 7), 3.)
    assert gaussian_kernel((6, 7), 3.) is first
    assert gaussian_kernel((6, 7), 3., images=2) is not first
    x = torch.randn(1, 1, 6, 7, requires_grad=True)
    gaussian_filter(x, 3.).sum().backward()
    assert x.grad.abs().sum() > 0


def position_kernels_kept():
    return gaussian_kernel.__globals__['_position_kernel'].cache_info().currsize


def test_few_small_position_kernels_are_kept(monkeypatch):
    """What is kept pins memory of the device: bounded, and nothing that no later call will ask for."""
    gaussian_kernel.__globals__['_position_kernel'].cache_clear()
    for width in range(4, 12):
        gaussian_kernel((5, width), 3.)
    assert position_kernels_kept() == 2
    gaussian_kernel.__globals__['_position_kernel'].cache_clear()
    monkeypatch.setitem(gaussian_kernel.__globals__, 'KEPT_LIMIT', 2 * 30)
    gaussian_kernel((5, 6), 3., images=3)
    gaussian_kernel((5, 6), 3., method='exact')
    assert position_kernels_kept() == 0
    gaussian_kernel((5, 6), 3., images=2)
    assert position_kernels_kept() == 1


@pytest.mark.parametrize('method', ['lattice', 'half'])
@pytest.mark.parametrize('sigma, kept', [(3., 1), ((3., 4.), 1), (torch.tensor(3.), 0), (torch.tensor([3., 4.]), 0)])
def test_kernels_of_learned_bandwidths_are_not_kept(sigma, kept, method):
    gaussian_kernel.__globals__['_position_kernel'].cache_clear()
    x = torch.rand(1, 2, 6, 7)
    out = gaussian_filter(x, sigma, method=method)
    assert position_kernels_kept() == kept
    fixed = tuple(torch.as_tensor(sigma).expand(2).tolist())
    torch.testing.assert_close(out, gaussian_filter(x, fixed, method=method), rtol=0, atol=0)


def test_features_of_bytes_and_of_numbers_are_the_same():
    """Also of an image of so many pixels that they are computed a few rows at a time."""
    image = torch.randint(0, 256, (2, 3, 61, 300), dtype=torch.uint8)
    found = pixel_features((61, 300), (80., 60.), image, (13., 12., 11.))
    assert torch.equal(found, pixel_features((61, 300), (80., 60.), image.float(), (13., 12., 11.)))
    expected = torch.empty(5, 2, 61, 300)
    expected[0] = torch.arange(300.) / torch.tensor(80.)
    expected[1] = (torch.arange(61.) / torch.tensor(60.))[:, None]
    expected[2:] = image.transpose(0, 1) / torch.tensor([13., 12., 11.])[:, None, None, None]
    assert torch.equal(found, expected.flatten(1))


def test_halving_averages_what_is_there():
    x = torch.arange(15.).view(1, 1, 3, 5)
    assert halve(x)[0, 0].tolist() == [[3., 5., 6.5], [10.5, 12.5, 14.]]


@pytest.mark.parametrize('change, message', [
    (dict(method='quick'), 'expected method in'),
    (dict(normalization='both'), 'expected normalization in'),
    (dict(sigma_xy=0.), 'positive sigma_xy'),
    (dict(sigma_rgb=(1., -1., 1.)), 'positive sigma_rgb'),
    (dict(image=torch.zeros(1, 3, 5, 6)), 'of the same size'),
])
def test_errors(change, message):
    kwargs = dict(sigma_xy=3., image=torch.zeros(1, 3, 5, 5), sigma_rgb=9.)
    with pytest.raises(ValueError, match=message):
        gaussian_filter(torch.zeros(1, 2, 5, 5), **{**kwargs, **change})


def test_exact_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match='at most 16384 pixels'):
        gaussian_filter(torch.zeros(1, 1, 129, 128), 3., method='exact')
