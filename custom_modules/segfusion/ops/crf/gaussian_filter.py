r"""Gaussian filters over the pixels of images, by position or by position and colour, exact or fast.

A filter is kept as a *kernel*: its structure, with the normalisation folded into the weights, ready to be applied
often (:func:`gaussian_kernel`; :mod:`.mean_field` does). :func:`gaussian_filter` builds one and applies it once.
"""
from functools import lru_cache
from typing import Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from .kernels import ExactKernel, LatticeKernel
from .permutohedral import build_lattice
from .strips import StripKernel, rows_of_planes, strips_work

METHODS = {'exact': None, 'lattice': (1, 0), 'dense': (2, 1), 'half': (1, 0)}  # (blurs, dilations)
NORMALIZATIONS = ('symmetric', 'after', 'before', 'mean', 'none')
SHORT = 2**15 - 1  # numbers that PyTorch works on without threads of its own
KEPT_LIMIT = 2**22  # pixels of a batch whose position kernel is kept for the next call: 200 MB in single precision

Sigma = Union[float, Tuple[float, ...], Tensor]


def pixel_features(size: Tuple[int, int], sigma_xy: Sigma, image: Optional[Tensor] = None,
                   sigma_rgb: Sigma = 1., dtype: torch.dtype = torch.float32,
                   device: Optional[torch.device] = None) -> Tensor:
    r"""Features [x, y, (colours)] of every pixel, divided by their standard deviations.

    Shape:
        - image (N, 3, H, W) -> (3 + 2, N * H * W), of ``dtype`` if it has whole numbers; without an image (2, H * W)
    """
    if image is not None:
        device, size = image.device, image.shape[-2:]
        dtype = image.dtype if image.is_floating_point() else dtype
    height, width = size
    # Divided by a tensor: by a number, CUDA multiplies with the reciprocal, which rounds differently.
    sx, sy = torch.as_tensor(sigma_xy, dtype=dtype, device=device).expand(2)
    x = (torch.arange(width, dtype=dtype, device=device) / sx).expand(height, width)
    y = (torch.arange(height, dtype=dtype, device=device) / sy)[:, None].expand(height, width)
    if image is None:
        return torch.stack([x, y]).flatten(1)
    images, colours = image.shape[:2]
    out = torch.empty(2 + colours, images, height, width, dtype=dtype, device=device)
    colour = torch.as_tensor(sigma_rgb, dtype=dtype, device=device).expand(colours)
    # A few rows at a time on a processor: PyTorch's threads, which come in from there on, spin on the cores for longer
    # than all of this takes.
    step = max(SHORT // (images * colours * width), 1) if device.type == 'cpu' else height
    for first in range(0, height, step):
        part = slice(first, first + step)
        out[0, :, part], out[1, :, part] = x[part], y[part]
        torch.div(image.transpose(0, 1)[:, :, part], colour[:, None, None, None], out=out[2:, :, part])
    return out.flatten(1)


Kernel = Union[LatticeKernel, ExactKernel, StripKernel]


def gaussian_kernel(size: Tuple[int, int], sigma_xy: Sigma, image: Optional[Tensor] = None, sigma_rgb: Sigma = 1., *,
                    images: int = 1, normalization: str = 'symmetric', method: str = 'lattice',
                    dtype: torch.dtype = torch.float32, device: Optional[torch.device] = None) -> Kernel:
    """The kernel of :func:`gaussian_filter` for repeated use.

    The last two kernels without an image are kept for the next call, unless they are large (``KEPT_LIMIT``; for 'exact'
    always) or their bandwidth is a tensor, which the next step of an optimizer changes.

    Args:
        size (Tuple[int, int]): Height and width in pixels.
        images (int): Images in the batch, if ``image`` is not given. Defaults to 1.
        dtype (torch.dtype): Of the features, unless ``image`` has floating point numbers. Defaults to float32.

    Raises:
        ValueError: If ``method`` or ``normalization`` is unknown, or a bandwidth is not positive.
    """
    if method not in METHODS:
        raise ValueError(f'expected method in {sorted(METHODS)}, got {method!r}')
    if normalization not in NORMALIZATIONS:
        raise ValueError(f'expected normalization in {NORMALIZATIONS}, got {normalization!r}')
    for name, sigma in (('sigma_xy', sigma_xy), ('sigma_rgb', sigma_rgb)):
        values = torch.as_tensor(sigma).flatten().tolist()
        if not all(value > 0 for value in values):
            raise ValueError(f'expected positive {name} (pixels, or colour levels 0..255), got {values}')
    if image is None:
        sigma = tuple(torch.as_tensor(sigma_xy, dtype=torch.float64).expand(2).tolist())
        kept = not isinstance(sigma_xy, Tensor) and method != 'exact' and images * size[0] * size[1] <= KEPT_LIMIT
        make = _position_kernel if kept else _position_kernel.__wrapped__
        device = torch.device(device or 'cpu')
        return make(tuple(size), sigma, images, normalization, method, dtype, device, strips_work(dtype, device))
    features = pixel_features(size, sigma_xy, image.detach(), sigma_rgb, dtype)
    return _make_kernel(features, len(image), normalization, method, strips_work(features.dtype, features.device))


@lru_cache(maxsize=2)  # two sizes in turn: the half-resolution schedule
def _position_kernel(size, sigma, images, normalization, method, dtype, device, strips) -> Kernel:
    # Outlives this call, and tensors made in inference mode could not take part in training later.
    with torch.inference_mode(False):
        features = pixel_features(size, sigma, dtype=dtype, device=device)
        return _make_kernel(features.repeat(1, images), images, normalization, method, strips)


@torch.no_grad()
def _make_kernel(features: Tensor, images: int, normalization: str, method: str, strips: bool) -> Kernel:
    if method == 'exact':
        return ExactKernel(features, normalization, images)
    blurs, dilations = METHODS[method]
    count = features.shape[1] // images
    if strips and count:
        return StripKernel(features, normalization, images, blurs, dilations)
    return LatticeKernel(build_lattice(features, [count] * images, blurs, dilations), normalization, images)


def gaussian_filter(values: Tensor, sigma_xy: Sigma, image: Optional[Tensor] = None, sigma_rgb: Sigma = 1., *,
                    normalization: str = 'symmetric', method: str = 'lattice') -> Tensor:
    r"""Average over all pixels that are near in position and, if an image is given, in colour.

    .. math::
        y_i = \frac{\sum_j k_{ij} x_j}{n_i}, \quad
        k_{ij} = \exp\left(-\frac{|p_i - p_j|^2}{2 \sigma_{xy}^2} - \frac{|I_i - I_j|^2}{2 \sigma_{rgb}^2}\right)

    with :math:`n_i = \sum_j k_{ij}` for ``'after'``. ``'symmetric'`` divides by its square root before and after.
    The pixel itself takes part (:math:`k_{ii} = 1`), as in all public code.

    Args:
        values (Tensor): What to filter. Gradients reach it; they do not reach the image.
        sigma_xy (float | Tuple[float, float]): Standard deviation in pixels, or (x, y).
        image (Tensor, optional): Colours in any range, usually RGB in 0..255. Defaults to None, position only.
        sigma_rgb (float | Tuple[float, ...]): Standard deviation in the units of the image, or one a channel.
        normalization (str): 'symmetric' (pydensecrf's default), 'after' (CRF-as-RNN), 'before', 'mean', which divides
            by the mean of :math:`n`, or 'none', the plain sum. A lattice loses some of the mass that travels over
            absent vertices, so only normalised results are close to exact ones. Defaults to 'symmetric'.
        method (str): 'lattice', the ordinary permutohedral lattice; 'dense', with twice the blurs on a finer lattice
            and extra vertices, about half the error in about twice the time; 'half', the ordinary lattice at half
            resolution; 'exact', all pairs, for small images. Defaults to 'lattice'.

    Shape:
        - values (N, C, H, W), image (N, 3, H, W) -> (N, C, H, W)
    """
    if values.dim() != 4 or (image is not None and (image.dim() != 4 or image.shape[::2] != values.shape[::2]
                                                    or image.shape[3] != values.shape[3])):
        raise ValueError('expected values (N, C, H, W) and an image (N, 3, H, W) of the same size, got '
                         f'{tuple(values.shape)} and {None if image is None else tuple(image.shape)}')
    if method == 'half' and min(values.shape[2:]) > 1:
        small = None if image is None else halve(image)
        out = gaussian_filter(halve(values), half_of(sigma_xy), small, sigma_rgb, normalization=normalization)
        return F.interpolate(out, size=values.shape[2:], mode='bilinear', align_corners=False)
    dtype = torch.float64 if values.dtype == torch.float64 else torch.float32
    image = None if image is None else image.to(dtype)
    kernel = gaussian_kernel(
        values.shape[2:],
        sigma_xy,
        image,
        sigma_rgb,
        images=len(values),
        normalization=normalization,
        method=method,
        dtype=dtype,
        device=values.device)
    rows = _Filter.apply(to_rows(values.to(dtype)), kernel)
    return from_rows(rows, values)


def half_of(sigma: Sigma) -> Sigma:
    """The bandwidth in pixels of half the size."""
    return tuple(s / 2 for s in sigma) if isinstance(sigma, (tuple, list)) else sigma / 2


def halve(x: Tensor) -> Tensor:
    """Mean of 2x2 pixels; of what is there at an odd border."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


def to_rows(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N * H * W, C), contiguous."""
    tracked = torch.is_grad_enabled() and x.requires_grad
    if not tracked and x.is_contiguous() and x.numel() and strips_work(x.dtype, x.device):
        return rows_of_planes(x.flatten(2))
    # As a change of memory format, which has a kernel of its own: three times faster than copying a permuted view.
    return x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).reshape(-1, x.shape[1]).contiguous()


def from_rows(rows: Tensor, like: Tensor) -> Tensor:
    """(N * H * W, C) -> (N, C, H, W) without a copy: a map in channels-last memory order."""
    return rows.view(like.shape[0], *like.shape[2:], rows.shape[1]).permute(0, 3, 1, 2)


class _Filter(torch.autograd.Function):

    @staticmethod
    def forward(ctx, rows: Tensor, kernel: Kernel) -> Tensor:
        ctx.kernel = kernel
        return kernel.filter(rows)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return _Adjoint.apply(grad.contiguous(), ctx.kernel), None


class _Adjoint(torch.autograd.Function):

    @staticmethod
    def forward(ctx, rows: Tensor, kernel: Kernel) -> Tensor:
        ctx.kernel = kernel
        return kernel.adjoint(rows)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return _Filter.apply(grad.contiguous(), ctx.kernel), None
