r"""Inference in a dense CRF over the pixels of a batch of images: kernels, schedule and mean field put together."""
from typing import Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from ..precision import full_precision
from .bandwidth import learnable, mean_field_with_bandwidths
from .busy import one_thread_when_busy
from .gaussian_filter import Sigma, from_rows, gaussian_kernel, half_of, halve, to_rows
from .mean_field import mean_field

FULL_STEPS = 2  # iterations of the half-resolution schedule that run at full resolution


def crf(logits: Tensor, image: Tensor, *, spatial_weight: Union[float, Tensor] = 3.,
        bilateral_weight: Union[float, Tensor] = 10., spatial_sigma: Sigma = 3., bilateral_sigma_xy: Sigma = 80.,
        bilateral_sigma_rgb: Sigma = 13., iterations: int = 5, normalization: str = 'symmetric',
        method: str = 'lattice', save: str = 'fast') -> Tensor:
    r"""Refine logits by a dense CRF with a position kernel and a position-and-colour kernel.

    .. math::
        L^{t + 1} = U + M_s A_s softmax(L^t) + M_b A_b softmax(L^t)

    Paper: `Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials
    <https://arxiv.org/abs/1210.5644>`_ and `Conditional Random Fields as Recurrent Neural Networks
    <https://arxiv.org/abs/1502.03240>`_.
    Checked against: lucasb-eyer/pydensecrf; sadeepj/crfasrnn_pytorch, crfasrnn/crfrnn.py, 24899c52.
    Differs: the sum over :math:`j` contains the pixel itself, as in all public code; the papers leave it out.

    Args:
        logits (Tensor): Class scores, any floating type; computed in float32, or in float64 if they are float64.
        image (Tensor): Colours in 0..255, three channels usually. No gradient reaches it.
        spatial_weight, bilateral_weight (float | Tensor): :math:`M`: a scalar, one number a class (C,), or a matrix
            (C, C) from filtered class (column) to receiving class (row). Positive numbers attract.
        spatial_sigma (float | Tuple[float, float]): Pixels, or (x, y). Defaults to 3.
        bilateral_sigma_xy (float | Tuple[float, float]): Pixels, or (x, y). Defaults to 80.
        bilateral_sigma_rgb (float | Tuple[float, ...]): Colour levels 0..255, or one a channel. Defaults to 13.
            A bandwidth that is a tensor and requires a gradient gets one, by :mod:`.bandwidth`, at about eight times
            the cost of the filters.
        iterations (int): Defaults to 5.
        normalization (str): See :func:`.gaussian_filter.gaussian_filter`. Defaults to 'symmetric'.
        method (str): Likewise. 'half' runs all but the last two iterations at half resolution: faster without Numba, no
            faster with it; on whole photographs its error is 4 to 18 % above the ordinary lattice's, on small crops a
            multiple.
        save (str): 'fast' or 'lean', see :func:`.mean_field.mean_field`. Defaults to 'fast'.

    Shape:
        - logits (N, C, H, W), image (N, 3, H, W) -> (N, C, H, W)
    """
    if logits.dim() != 4 or image.dim() != 4 or logits.shape[::3] != image.shape[::3] \
            or logits.shape[2] != image.shape[2]:
        raise ValueError('expected logits (N, C, H, W) and an image (N, 3, H, W) of the same N, H and W, got '
                         f'{tuple(logits.shape)} and {tuple(image.shape)}; resize the logits to the image first')
    if logits.device != image.device:
        raise ValueError(f'expected logits and image on one device, got {logits.device} and {image.device}; move one '
                         'with .to()')
    if not logits.is_floating_point():
        raise TypeError(f'expected floating point logits, got {logits.dtype}')
    if iterations < 0:
        raise ValueError(f'expected iterations >= 0, got {iterations}')
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    with full_precision(logits.device), one_thread_when_busy(logits.device):
        logits, image = logits.to(dtype), image.detach()
        if image.is_floating_point():
            image = image.to(dtype)
        compats = [torch.as_tensor(m, dtype=dtype, device=logits.device) for m in (spatial_weight, bilateral_weight)]
        sigmas = (spatial_sigma, bilateral_sigma_xy, bilateral_sigma_rgb)
        start, steps = None, iterations
        if method == 'half':
            method = 'lattice'
            if iterations > FULL_STEPS and min(logits.shape[2:]) > 1:
                logits = from_rows(to_rows(logits), logits)  # channels last pools and resizes faster
                half = [half_of(s) for s in sigmas[:2]] + [sigmas[2]]
                small = halve(logits)
                # Of the image one pixel in four: a mean of several colours is the colour of none of them
                quarter = image[..., ::2, ::2]
                coarse = _infer(small, quarter, half, compats, iterations - FULL_STEPS, None, normalization,
                                method, save)
                belief = from_rows(to_rows(coarse).softmax(1), small)
                start = F.interpolate(belief, size=logits.shape[2:], mode='bilinear', align_corners=False)
                steps = FULL_STEPS
        return _infer(logits, image, sigmas, compats, steps, start, normalization, method, save)


def _infer(logits: Tensor, image: Tensor, sigmas: Sequence[Sigma], compats: Sequence[Tensor], iterations: int,
           start: Optional[Tensor], normalization: str, method: str, save: str) -> Tensor:
    size: Tuple[int, int] = tuple(logits.shape[2:])
    if torch.is_grad_enabled() and any(learnable(sigma) for sigma in sigmas):
        return from_rows(
            mean_field_with_bandwidths(
                to_rows(logits), image.to(logits.dtype), sigmas, compats, iterations,
                None if start is None else to_rows(start), normalization, method), logits)
    common = dict(normalization=normalization, method=method, dtype=logits.dtype)
    spatial = gaussian_kernel(size, sigmas[0], images=len(image), device=logits.device, **common)
    bilateral = gaussian_kernel(size, sigmas[1], image, sigmas[2], **common)
    start = None if start is None else to_rows(start)
    rows = to_rows(logits)
    ours = rows.data_ptr() != logits.data_ptr()  # not the caller's
    return from_rows(mean_field(rows, [spatial, bilateral], compats, iterations, start, save, in_place=ours), logits)
