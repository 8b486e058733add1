import numpy as np
import pytest
import torch

from segfusion.deploy.post_process import dense_crf
from tests.references import dense_crf as reference


def scene(classes=3, size=(11, 14)):
    rng = np.random.default_rng(0)
    image = np.where(np.arange(size[1]) < 6, 60, 190)[None, :, None] + rng.normal(0, 5, (*size, 3))
    scores = rng.normal(0, 1, (classes, *size))
    probabilities = np.exp(scores) / np.exp(scores).sum(0)
    return image.clip(0, 255).astype(np.uint8), probabilities.astype(np.float32)


def expected(image, unary, spatial, bilateral, how='symmetric', iterations=5, sigma=(3., 80., 13.)):
    """The update of pydensecrf: log Q = -unary energy - sum of what the compatibilities make of the filtered Q."""
    chw = torch.from_numpy(image).permute(2, 0, 1).double()
    filters = [
        reference.normalize(reference.gaussian_matrix(chw, sigma[0]), how),
        reference.normalize(reference.gaussian_matrix(chw, *sigma[1:]), how)
    ]
    return reference.mean_field(unary, filters, [spatial, bilateral], iterations).softmax(0).numpy()


def test_defaults_are_those_of_pydensecrf():
    image, p = scene()
    p[:, 2, 3] = [1, 0, 0]  # a certain pixel must not become infinitely so
    unary = torch.from_numpy(p).clamp_min(1e-5).log()
    want = expected(image, unary, 3 * torch.eye(3), 10 * torch.eye(3))
    np.testing.assert_allclose(dense_crf(image, p, method='exact'), want, atol=1e-5)
    ours = dense_crf(image, p)
    assert ours.dtype == np.float32 and ours.shape == p.shape
    assert np.abs(ours - want).mean() < 5e-3


def test_vectors_and_matrices_are_energies():
    image, p = scene()
    unary = torch.from_numpy(p).log()
    matrix = torch.tensor([[0., 1, 2], [3, 0, 1], [0, 1, 0]])
    vector = torch.tensor([1., -2, .5])
    want = expected(image, unary, -(matrix + matrix.t()) / 2, -vector.diag(), how='after')
    ours = dense_crf(
        image, p, gaussian_compat=matrix.numpy(), bilateral_compat=vector.tolist(), normalization='after',
        method='exact')
    np.testing.assert_allclose(ours, want, atol=1e-5)
    # a Potts matrix of energies is the same as its weight
    potts = 3 * (1 - torch.eye(3))
    a = dense_crf(image, p, gaussian_compat=potts, normalization='after', method='exact')
    b = dense_crf(image, p, gaussian_compat=3., normalization='after', method='exact')
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_logits_and_torch_and_batches():
    image, p = scene()
    first = dense_crf(image, p)
    np.testing.assert_allclose(dense_crf(image, np.log(p), logits=True), first, atol=1e-5)
    chw, tp = torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(p)
    as_torch = dense_crf(chw, tp)
    assert isinstance(as_torch, torch.Tensor)
    np.testing.assert_array_equal(as_torch.numpy(), first)
    batch = dense_crf(torch.stack([chw, chw.flip(2)]), torch.stack([tp, tp.flip(2)]))
    torch.testing.assert_close(batch[0], as_torch, atol=1e-5, rtol=1e-4)
    assert dense_crf(image, p.astype(np.float64)).dtype == np.float64


def test_grey_images():
    image, p = scene()
    grey = image[..., 0]
    three = dense_crf(np.repeat(grey[..., None], 3, 2), p, method='exact')
    one = dense_crf(grey, p, bilateral_srgb=13 / 3**0.5, method='exact')
    np.testing.assert_allclose(one, three, atol=1e-5)


def test_errors():
    image, p = scene()
    with pytest.raises(ValueError, match='of the same size'):
        dense_crf(image[1:], p)
    with pytest.raises(ValueError, match='pass logits=True'):
        dense_crf(image, np.log(p))
    with pytest.raises(ValueError, match='numpy image'):
        dense_crf(image[None], p)
