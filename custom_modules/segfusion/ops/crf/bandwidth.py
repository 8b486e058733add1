r"""Gradients of a Gaussian filter with respect to its bandwidths, by filtering moments.

Differentiating the weights with which a lattice interpolates is exact for the lattice, but a poor gradient of the
Gaussian it stands for: often of the wrong size, sometimes of the wrong sign. With :math:`p` in units of
:math:`\sigma`, the Gaussian itself gives

.. math::
    \sigma \frac{\partial (K x)_i}{\partial \sigma} = \sum_j k_{ij} |p_i - p_j|^2 x_j
    = |p_i|^2 (K x)_i - 2 p_i^\top (K (p x))_i + (K (|p|^2 x))_i

and the three filters on the right are the lattice's.
"""
from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .gaussian_filter import Kernel, Sigma, gaussian_kernel, pixel_features
from .kernels import TINY


def learnable(sigma: Sigma) -> bool:
    """Whether a bandwidth is a tensor that wants a gradient."""
    return isinstance(sigma, Tensor) and sigma.requires_grad


def filter_with_bandwidths(rows: Tensor, kernel: Kernel, features: Tensor, sigma: Tensor) -> Tensor:
    """The plain sum :math:`K x` with gradients to ``rows`` and, by moments, to the bandwidths.

    Args:
        rows (Tensor): One row a pixel.
        kernel (Kernel): Made with ``normalization='none'`` from ``features``.
        features (Tensor): Positions in units of ``sigma``.
        sigma (Tensor): One bandwidth a feature.

    Shape:
        - rows (P, C), features (d, P), sigma (d,) -> (P, C)
    """
    return _MomentFilter.apply(rows, sigma, features, kernel)


class _MomentFilter(torch.autograd.Function):

    @staticmethod
    def forward(ctx, rows, sigma, features, kernel):
        out = kernel.filter(rows)
        ctx.kernel = kernel
        ctx.save_for_backward(rows, sigma, features, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        rows, sigma, features, out = ctx.saved_tensors
        kernel, grad = ctx.kernel, grad.contiguous()
        grad_rows = kernel.adjoint(grad)
        if not ctx.needs_input_grad[1]:
            return grad_rows, None, None, None
        grad_sigma = torch.zeros_like(sigma)
        along, across = (grad * out).sum(1), None  # (P,)
        for i, p in enumerate(features):
            p = (p - p.mean())[:, None]  # only differences matter, and small numbers cancel better
            across = (grad * (p * -2 * kernel.filter(p * rows) + kernel.filter(p * p * rows))).sum()
            grad_sigma[i] = (across + (along * p[:, 0]**2).sum()) / sigma[i]
        return grad_rows, grad_sigma, None, None


def _normalized(rows: Tensor, kernel: Kernel, features: Tensor, sigma: Tensor, normalization: str, images: int):
    if normalization == 'none':
        return filter_with_bandwidths(rows, kernel, features, sigma)
    mass = filter_with_bandwidths(torch.ones_like(rows[:, :1]), kernel, features, sigma)
    if normalization == 'mean':
        mass = mass.view(images, -1).mean(1).repeat_interleave(len(rows) // images)[:, None]
    before = {'symmetric': -0.5, 'before': -1.}.get(normalization)
    after = {'symmetric': -0.5, 'after': -1., 'mean': -1.}.get(normalization)
    if before is not None:
        rows = rows * (mass + TINY)**before
    out = filter_with_bandwidths(rows, kernel, features, sigma)
    return out if after is None else out * (mass + TINY)**after


def mean_field_with_bandwidths(unary: Tensor, image: Tensor, sigmas: Sequence[Sigma], compats: Sequence[Tensor],
                               iterations: int, start: Optional[Tensor], normalization: str, method: str) -> Tensor:
    """:func:`.mean_field.mean_field` with gradients to the bandwidths (spatial xy, bilateral xy, bilateral colours).

    Plain autograd over the iterations: it keeps every intermediate result, and takes about eight times as long.
    """
    images, size = len(image), tuple(image.shape[2:])
    spatial, bilateral_xy, bilateral_rgb = (
        torch.as_tensor(s, dtype=unary.dtype, device=unary.device) for s in sigmas)
    parts: List[Tuple[Kernel, Tensor, Tensor]] = []
    for sigma, colours, guide in ((spatial.expand(2), None, None), (bilateral_xy.expand(2),
                                                                      bilateral_rgb.expand(image.shape[1]), image)):
        fixed = sigma.detach()
        common = dict(normalization='none', method=method)
        if guide is None:
            kernel = gaussian_kernel(size, fixed, images=images, dtype=unary.dtype, device=unary.device, **common)
            features = pixel_features(size, fixed, dtype=unary.dtype, device=unary.device).repeat(1, images)
            full = sigma
        else:
            kernel = gaussian_kernel(size, fixed, guide, colours.detach(), **common)
            features = pixel_features(size, fixed, guide, colours.detach())
            full = torch.cat([sigma, colours])
        parts.append((kernel, features, full))
    logits, belief = unary, start
    for _ in range(iterations):
        belief = logits.softmax(1) if belief is None else belief
        logits = unary
        for (kernel, features, sigma), compat in zip(parts, compats):
            message = _normalized(belief, kernel, features, sigma, normalization, images)
            logits = logits + (message @ compat.t() if compat.dim() == 2 else message * compat)
        belief = None
    return logits
