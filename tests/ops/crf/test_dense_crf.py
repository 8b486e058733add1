import pytest
import torch

from segfusion.ops.crf.dense_crf import crf
from segfusion.ops.crf.gaussian_filter import gaussian_filter
from tests.references import dense_crf as reference


def scene(height, width, classes, images=1, dtype=torch.float32):
    """A dark and a bright region, and logits that know them roughly."""
    image = torch.full((images, 3, height, width), 50.)
    image[..., :, width // 2:] = 180.
    image = (image + torch.randn(image.shape) * 6).clamp(0, 255).round().to(dtype)
    logits = torch.randn(images, classes, height, width).to(dtype)
    logits[:, 0, :, :width // 2] += 1
    logits[:, -1, :, width // 2:] += 1
    return logits, image


SIGMAS = dict(spatial_sigma=2., bilateral_sigma_xy=9., bilateral_sigma_rgb=20.)


@pytest.mark.parametrize('how', ['symmetric', 'after'])
def test_exact_method_is_the_papers_recurrence(how):
    logits, image = scene(9, 12, 3, images=2, dtype=torch.float64)
    compats = [torch.randn(3, 3), torch.randn(3, 3)]
    ours = crf(
        logits, image, spatial_weight=compats[0], bilateral_weight=compats[1], iterations=4, normalization=how,
        method='exact', **SIGMAS)
    for i in range(2):
        filters = [
            reference.normalize(reference.gaussian_matrix(image[i], *sigma), how) for sigma in ((2., None), (9., 20.))
        ]
        expected = reference.mean_field(logits[i], filters, compats, 4)
        torch.testing.assert_close(ours[i], expected, atol=1e-9, rtol=1e-9)


def test_close_to_exact_at_32x32_and_dense_closer():
    logits, image = scene(32, 32, 5)
    exact = crf(logits.double(), image, iterations=10, method='exact', **SIGMAS).softmax(1)
    error = {}
    for method in ('lattice', 'dense'):
        q = crf(logits, image, iterations=10, method=method, **SIGMAS).softmax(1)
        error[method] = (q - exact).abs().mean().item()
        assert (q.argmax(1) == exact.argmax(1)).float().mean() > 0.99
    assert error['lattice'] < 5e-3 and error['dense'] < 0.75 * error['lattice']


def test_half_resolution_ends_with_two_full_iterations():
    logits, image = scene(22, 17, 4)
    # with two iterations or fewer there is nothing left to do at half resolution
    assert torch.equal(crf(logits, image, iterations=2, method='half'), crf(logits, image, iterations=2))
    full, half = (crf(logits, image, iterations=6, method=m, **SIGMAS).softmax(1) for m in ('lattice', 'half'))
    assert 0 < (full - half).abs().mean() < 0.02


def test_batch_of_four_is_four_singles_bit_for_bit():
    for weight in (torch.tensor(7.), torch.randn(6), torch.randn(6, 6)):
        logits, image = scene(13, 17, 6, images=4)
        image[1] = image[1].flip(-1)
        image[2] = 31  # a constant image
        together = crf(logits, image, bilateral_weight=weight, iterations=5)
        assert torch.equal(together, crf(logits, image, bilateral_weight=weight, iterations=5))
        for i in range(4):
            single = crf(logits[i:i + 1], image[i:i + 1], bilateral_weight=weight, iterations=5)
            assert torch.equal(single[0], together[i])


@pytest.mark.parametrize('method', ['lattice', 'dense', 'half', 'exact'])
@pytest.mark.parametrize('size', [(1, 1), (1, 9), (7, 1), (5, 8)])
def test_any_size(method, size):
    logits, image = scene(*size, 3, images=2)
    out = crf(logits, image, iterations=4, method=method)
    assert out.shape == logits.shape and torch.isfinite(out).all()
    if size == (1, 1):  # the only neighbour is the pixel itself: L = U + 13 softmax(L)
        expected = logits
        for _ in range(4):
            expected = logits + 13 * expected.softmax(1)
        torch.testing.assert_close(out, expected)


def test_one_class_stays_certain():
    logits, image = scene(6, 7, 1)
    torch.testing.assert_close(crf(logits, image, iterations=3).softmax(1), torch.ones_like(logits))


def test_constant_image_is_smoothing_by_position():
    logits, _ = scene(9, 11, 3, dtype=torch.float64)
    image = torch.full((1, 3, 9, 11), 128.)
    out = crf(logits, image, iterations=1, spatial_weight=0., bilateral_weight=2., method='exact')
    expected = logits + 2 * gaussian_filter(logits.softmax(1), 80., method='exact')
    torch.testing.assert_close(out, expected)


def test_150_classes():
    logits, image = scene(6, 5, 150)
    ours = crf(logits, image, iterations=3, method='exact')
    filters = [
        reference.normalize(reference.gaussian_matrix(image[0], *sigma), 'symmetric') for sigma in ((3., None),
                                                                                                    (80., 13.))
    ]
    expected = reference.mean_field(logits[0], filters, [3 * torch.eye(150), 10 * torch.eye(150)], 3)
    torch.testing.assert_close(ours[0].double(), expected, atol=1e-4, rtol=1e-4)
    lattice = crf(logits, image, iterations=3)
    assert (lattice.argmax(1) == ours.argmax(1)).float().mean() > 0.9


def test_half_precision_logits_are_computed_in_single():
    logits, image = scene(8, 9, 4)
    rounded = logits.to(torch.bfloat16)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = crf(rounded, image)
    assert out.dtype == torch.float32
    assert torch.equal(out, crf(rounded.float(), image))


def test_bandwidth_gradients_are_those_of_the_exact_filter():
    logits, image = scene(8, 9, 3, dtype=torch.float64)
    probe = torch.randn_like(logits)
    image = (image - 50) * 0.2 + 50

    def value(method, sigmas):
        names = ('spatial_sigma', 'bilateral_sigma_xy', 'bilateral_sigma_rgb')
        out = crf(logits, image, iterations=2, method=method, normalization=how, **dict(zip(names, sigmas)))
        return (out * probe).sum()

    for how in ('symmetric', 'after', 'before', 'mean', 'none'):
        sigmas = [torch.tensor(s, dtype=torch.float64, requires_grad=True) for s in (2., 4., 15.)]
        value('exact', sigmas).backward()
        for i in range(3):
            shifted = [[s.detach() + (d if i == j else 0) for j, s in enumerate(sigmas)] for d in (1e-5, -1e-5)]
            numeric = (value('exact', shifted[0]) - value('exact', shifted[1])) / 2e-5
            assert sigmas[i].grad.item() == pytest.approx(numeric.item(), rel=1e-5, abs=1e-6), (how, i)


def test_learnable_bandwidths_do_not_change_the_result():
    logits, image = scene(10, 9, 3)
    sigma = torch.tensor(9., requires_grad=True)
    for method in ('lattice', 'half'):
        plain = crf(logits, image, bilateral_sigma_xy=9., method=method)
        learned = crf(logits, image, bilateral_sigma_xy=sigma, method=method)
        torch.testing.assert_close(learned, plain, atol=1e-4, rtol=1e-4)
        learned.square().mean().backward()
        assert torch.isfinite(sigma.grad) and sigma.grad != 0


def test_errors():
    logits, image = scene(5, 6, 3)
    with pytest.raises(ValueError, match='resize the logits to the image first'):
        crf(logits[..., 1:], image)
    with pytest.raises(TypeError, match='floating point'):
        crf(logits.long(), image)
    with pytest.raises(ValueError, match='iterations >= 0'):
        crf(logits, image, iterations=-1)
