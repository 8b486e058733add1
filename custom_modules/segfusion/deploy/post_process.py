"""Dense CRF post-processing without a network, in the terms of pydensecrf."""
from typing import Optional, Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor

from ..ops.crf.dense_crf import crf
from .windows import pixels_at_once, windows

Array = Union[np.ndarray, Tensor]
Compat = Union[float, Sequence[float], Sequence[Sequence[float]], Array]
Bandwidth = Union[float, Tuple[float, ...]]


def dense_crf(image: Array, scores: Array, *, logits: bool = False, iterations: int = 5,
              gaussian_sxy: Bandwidth = 3., gaussian_compat: Compat = 3., bilateral_sxy: Bandwidth = 80.,
              bilateral_srgb: Bandwidth = 13., bilateral_compat: Compat = 10., clip: float = 1e-5,
              normalization: str = 'symmetric', method: str = 'lattice', pixels: Optional[int] = None) -> Array:
    r"""Refine class scores of an image by a dense CRF; the defaults are those of pydensecrf's documentation.

    It computes what this does with pydensecrf (up to rounding: 1e-4 in probability)::

        crf = DenseCRF2D(width, height, classes)
        crf.setUnaryEnergy(unary_from_softmax(scores))
        crf.addPairwiseGaussian(sxy=3, compat=3)
        crf.addPairwiseBilateral(sxy=80, srgb=13, rgbim=image, compat=10)
        probabilities = crf.inference(5)

    Paper: `Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials
    <https://arxiv.org/abs/1210.5644>`_.
    Checked against: lucasb-eyer/pydensecrf (adaptivemotorcontrollab's 1.1), DenseCRF2D.
    Differs: batches, torch in and out, any device, logits, images of other than three channels.

    Args:
        image (np.ndarray | Tensor): Colours 0..255. numpy: (H, W, 3) or (H, W), torch: ([N,] 3, H, W).
        scores (np.ndarray | Tensor): Probabilities of each class, or logits. numpy: (C, H, W), torch: ([N,] C, H, W).
        logits (bool): Whether ``scores`` are logits (or log-probabilities); pydensecrf's unary energy is their
            negative. Defaults to False.
        iterations (int): Mean-field iterations. Defaults to 5.
        gaussian_sxy (float | Tuple[float, float]): Bandwidth of the position kernel in pixels, or (x, y).
        gaussian_compat (float | Sequence): Its label compatibility, with pydensecrf's three meanings: a number is the
            weight of a Potts model (same labels attract); a vector or a symmetric matrix over classes is an *energy*
            (positive numbers repel).
        bilateral_sxy, bilateral_srgb, bilateral_compat: Likewise for position and colour; ``bilateral_srgb`` in
            colour levels 0..255, or one a channel.
        clip (float): Lower limit of probabilities, so that their logarithm is finite; unused with logits.
            Defaults to 1e-5.
        normalization (str): 'symmetric', 'after', 'before' or 'none', as in pydensecrf. Defaults to 'symmetric'.
        method (str): 'lattice', 'dense', 'half' or 'exact', see
            :func:`segfusion.ops.crf.gaussian_filter.gaussian_filter`. Defaults to 'lattice'.
        pixels (int, optional): Larger images are refined in windows of at most so many pixels, of which the outer 256
            are not kept, so that memory does not grow with the image. Defaults to
            :func:`~.windows.pixels_at_once` of the classes, 4.2 million up to 64.

    Returns:
        np.ndarray | Tensor: Probabilities, of the kind and shape of ``scores``, float32 (float64 for float64).

    Raises:
        ValueError: If sizes do not fit, or probabilities are negative or above one (they are logits, then).
    """
    numpy = isinstance(scores, np.ndarray)
    unary = torch.from_numpy(np.ascontiguousarray(scores)) if numpy else torch.as_tensor(scores)
    rgb = _as_maps(image, unary.device)
    single = unary.dim() == 3
    unary = unary[None] if single else unary
    if unary.dim() != 4 or rgb.shape[2:] != unary.shape[2:] or len(rgb) != len(unary):
        raise ValueError(
            'expected an image (H, W, 3) and scores (C, H, W) in numpy, or ([N,] 3, H, W) and ([N,] C, H, W) in torch, '
            f'of the same size; got {tuple(np.shape(image))} and {tuple(np.shape(scores))}')
    if not logits and unary.numel() and (unary.min() < 0 or unary.max() > 1 + 1e-4):
        raise ValueError(f'expected probabilities in 0..1, got values from {unary.min():.3g} to {unary.max():.3g}; '
                         'pass logits=True if these are logits')
    refined = torch.empty_like(unary, dtype=torch.promote_types(unary.dtype, torch.float32))
    for outer, centre in windows(*unary.shape[2:], pixels or pixels_at_once(unary.shape[1])):
        part, kept = unary[:, :, outer.rows, outer.columns].to(refined.dtype), centre.inside(outer)
        part = part if logits else part.clamp(clip, 1.).log()
        with torch.no_grad():
            found = crf(
                part,
                rgb[:, :, outer.rows, outer.columns],
                spatial_weight=_attraction(gaussian_compat, part),
                bilateral_weight=_attraction(bilateral_compat, part),
                spatial_sigma=gaussian_sxy,
                bilateral_sigma_xy=bilateral_sxy,
                bilateral_sigma_rgb=bilateral_srgb,
                iterations=iterations,
                normalization=normalization,
                method=method).softmax(1)
        refined[:, :, centre.rows, centre.columns] = found[:, :, kept.rows, kept.columns]
    refined = refined[0] if single else refined
    return np.ascontiguousarray(refined.numpy()) if numpy else refined.contiguous()


def _as_maps(image: Array, device: torch.device) -> Tensor:
    if isinstance(image, np.ndarray):
        image = image[..., None] if image.ndim == 2 else image
        if image.ndim != 3:
            raise ValueError(f'expected a numpy image (H, W, 3) or (H, W), got {image.shape}')
        return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].to(device)
    return (image[None] if image.dim() == 3 else image).to(device)


def _attraction(compat: Compat, like: Tensor) -> Tensor:
    """What is added to the logits: a number as it is, an energy with the opposite sign (a matrix symmetrised)."""
    compat = torch.as_tensor(compat, dtype=like.dtype, device=like.device)
    if compat.dim() == 2:
        return -(compat + compat.t()) / 2
    return -compat if compat.dim() else compat
