r"""Gaussian filters over the pixels of images, by position or by position and colour, exact or fast.

A filter is kept as a *kernel*: its structure, with the normalisation folded into the weights, ready to be applied
often (:func:`gaussian_kernel`; :mod:`.mean_field` does). :func:`gaussian_filter` builds one and applies it once.
"""
from dataclasses import replace
from functools import lru_cache
from typing import Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from .permutohedral import Lattice, build_lattice, weighted_bags

METHODS = {'exact': None, 'lattice': (1, 0), 'dense': (2, 1), 'half': (1, 0)}  # (blurs, dilations)
NORMALIZATIONS = ('symmetric', 'after', 'before', 'mean', 'none')
KEPT_LIMIT = 2**22  # pixels of a batch whose position kernel is kept for the next call: 200 MB in single precision
EXACT_LIMIT = 16384  # pixels; the matrix then takes 1 GB in single precision
TINY = 1e-20

Sigma = Union[float, Tuple[float, ...], Tensor]


def pixel_features(size: Tuple[int, int], sigma_xy: Sigma, image: Optional[Tensor] = None,
                   sigma_rgb: Sigma = 1., dtype: torch.dtype = torch.float32,
                   device: Optional[torch.device] = None) -> Tensor:
    r"""Features [x, y, (colours)] of every pixel, divided by their standard deviations.

    Shape:
        - image (N, 3, H, W) -> (3 + 2, N * H * W); without an image (2, H * W)
    """
    if image is not None:
        dtype, device, size = image.dtype, image.device, image.shape[-2:]
    height, width = size
    # Divided by a tensor: by a number, CUDA multiplies with the reciprocal, which rounds differently.
    sx, sy = torch.as_tensor(sigma_xy, dtype=dtype, device=device).expand(2)
    x = (torch.arange(width, dtype=dtype, device=device) / sx).expand(height, width)
    y = (torch.arange(height, dtype=dtype, device=device) / sy)[:, None].expand(height, width)
    if image is None:
        return torch.stack([x, y]).flatten(1)
    out = image.new_empty(2 + image.shape[1], len(image), height, width)
    out[0], out[1] = x, y
    colour = torch.as_tensor(sigma_rgb, dtype=dtype, device=device).expand(image.shape[1])
    torch.div(image.transpose(0, 1), colour[:, None, None, None], out=out[2:])
    return out.flatten(1)


class LatticeKernel:
    r"""A normalised filter :math:`y = N_{out} B^T H S N_{in} x` on a permutohedral lattice.

    It is applied in three steps so that a caller can work on table rows, which are fewer than pixels:
    ``blur(splat(x))`` is a table, and bags of table rows given by ``index`` and ``out_weight`` are the result.
    The adjoint exchanges the roles: ``blur(splat_out(g), reverse=True)``, then ``index`` and ``in_weight``.

    Attributes:
        index (Tensor): Table rows that each pixel reads, (P, D) int32.
        out_weight (Tensor): Their weights, (P, D).
        rows (int): Rows of the table.
    """

    def __init__(self, lattice: Lattice, normalization: str = 'symmetric', images: int = 1):
        self.index, self.rows = lattice.corner, lattice.rows
        mass, alpha = lattice.mass(), lattice.alpha
        self._n_in, self._n_out = None, None
        if normalization == 'symmetric':
            # Not pow: its vectorised form rounds differently, and bits would depend on a pixel's place in the batch.
            n = mass.add_(TINY).sqrt_().reciprocal_().mul_(alpha**0.5)
            # Both directions use the same weights; they replace the lattice's own, which nobody needs any more.
            weight, entries = lattice.weight * n[:, None], _per_entry(lattice, n)
            lattice = replace(lattice, weight=weight, splat_weight=entries)
        elif normalization == 'after':
            self._n_out = mass.add_(TINY).reciprocal_().mul_(alpha)
        elif normalization == 'before':
            self._n_in = mass.add_(TINY).reciprocal_().mul_(alpha)
        elif normalization == 'mean':
            self._n_out = (alpha / mass.view(images, -1).mean(1)).repeat_interleave(len(mass) // images)
        else:
            self._n_out = torch.full_like(mass, alpha)
        self.lattice = lattice
        self.out_weight = self._per_pixel(self._n_out)
        self._splat_in = lattice.splat_weight if self._n_in is None else _per_entry(lattice, self._n_in)
        self._in_weight = self._splat_out = None

    def _per_pixel(self, n: Optional[Tensor]) -> Tensor:
        return self.lattice.weight if n is None else self.lattice.weight * n[:, None]

    @property
    def in_weight(self) -> Tensor:
        """Weights with which the adjoint reads its table, (P, D); made when first needed."""
        if self._in_weight is None:
            self._in_weight = self._per_pixel(self._n_in)
        return self._in_weight

    def splat(self, values: Tensor) -> Tensor:
        """(P, C) -> (rows, C)."""
        return self.lattice.splat(values, self._splat_in)

    def splat_out(self, grad: Tensor) -> Tensor:
        """Adjoint of reading by ``index`` and ``out_weight``, (P, C) -> (rows, C)."""
        if self._splat_out is None:
            weight = self.lattice.splat_weight
            self._splat_out = weight if self._n_out is None else _per_entry(self.lattice, self._n_out)
        return self.lattice.splat(grad, self._splat_out)

    def blur(self, table: Tensor, reverse: bool = False) -> Tensor:
        """(rows, C) -> (rows, C)."""
        return self.lattice.blur(table, reverse)


def _per_entry(lattice: Lattice, n: Tensor) -> Tensor:
    return lattice.splat_weight * n.index_select(0, lattice.splat_point)


class ExactKernel:
    """The same interface over the full matrix, for references and small images: one table row a pixel."""

    def __init__(self, features: Tensor, normalization: str = 'symmetric', images: int = 1):
        points = features.view(len(features), images, -1).permute(1, 2, 0)  # (N, p, d)
        self.rows = features.shape[1]
        if self.rows > EXACT_LIMIT:
            raise ValueError(f'method="exact" compares all pairs of pixels: expected at most {EXACT_LIMIT} pixels in a '
                             f'batch, got {self.rows}; use method="lattice" or "dense"')
        square = sum((points[:, :, None, k] - points[:, None, :, k])**2 for k in range(points.shape[2]))
        matrix = square.mul_(-0.5).exp_()
        mass = matrix.sum(2).flatten()
        self.index = torch.arange(self.rows, dtype=torch.int32, device=features.device)[:, None]
        one = torch.ones_like(mass)
        mean = mass.view(images, -1).mean(1).repeat_interleave(len(mass) // images)
        scale = dict(
            symmetric=(mass**-0.5, mass**-0.5), after=(one, 1 / mass), before=(1 / mass, one), mean=(one, 1 / mean),
            none=(one, one))
        self.in_weight, self.out_weight = (w[:, None] for w in scale[normalization])
        self.matrix = matrix

    def splat(self, values: Tensor) -> Tensor:
        return values * self.in_weight

    def splat_out(self, grad: Tensor) -> Tensor:
        return grad * self.out_weight

    def blur(self, table: Tensor, reverse: bool = False) -> Tensor:
        images = table.view(len(self.matrix), -1, table.shape[1])
        return (self.matrix @ images).flatten(0, 1)  # the matrix is symmetric


Kernel = Union[LatticeKernel, ExactKernel]


def gaussian_kernel(size: Tuple[int, int], sigma_xy: Sigma, image: Optional[Tensor] = None, sigma_rgb: Sigma = 1., *,
                    images: int = 1, normalization: str = 'symmetric', method: str = 'lattice',
                    dtype: torch.dtype = torch.float32, device: Optional[torch.device] = None) -> Kernel:
    """The kernel of :func:`gaussian_filter` for repeated use.

    The last two kernels without an image are kept for the next call, unless they are large (``KEPT_LIMIT``; for 'exact'
    always) or their bandwidth is a tensor, which the next step of an optimizer changes.

    Args:
        size (Tuple[int, int]): Height and width in pixels.
        images (int): Images in the batch, if ``image`` is not given. Defaults to 1.

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
        return make(tuple(size), sigma, images, normalization, method, dtype, torch.device(device or 'cpu'))
    features = pixel_features(size, sigma_xy, image.detach(), sigma_rgb)
    return _make_kernel(features, len(image), normalization, method)


@lru_cache(maxsize=2)  # two sizes in turn: the half-resolution schedule
def _position_kernel(size, sigma, images, normalization, method, dtype, device) -> Kernel:
    # Outlives this call, and tensors made in inference mode could not take part in training later.
    with torch.inference_mode(False):
        features = pixel_features(size, sigma, dtype=dtype, device=device)
        return _make_kernel(features.repeat(1, images), images, normalization, method)


@torch.no_grad()
def _make_kernel(features: Tensor, images: int, normalization: str, method: str) -> Kernel:
    if method == 'exact':
        return ExactKernel(features, normalization, images)
    blurs, dilations = METHODS[method]
    count = features.shape[1] // images
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
    # As a change of memory format, which has a kernel of its own: three times faster than copying a permuted view.
    return x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).reshape(-1, x.shape[1]).contiguous()


def from_rows(rows: Tensor, like: Tensor) -> Tensor:
    """(N * H * W, C) -> (N, C, H, W) without a copy: a map in channels-last memory order."""
    return rows.view(like.shape[0], *like.shape[2:], rows.shape[1]).permute(0, 3, 1, 2)


def read(table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Each pixel's weighted sum of table rows, (R, C) with (P, n) index and weight -> (P, C)."""
    offset = torch.arange(0, index.numel() + 1, index.shape[1], dtype=torch.int32, device=index.device)
    return weighted_bags(table, index.flatten(), offset, weight.flatten())


class _Filter(torch.autograd.Function):

    @staticmethod
    def forward(ctx, rows: Tensor, kernel: Kernel) -> Tensor:
        ctx.kernel = kernel
        return read(kernel.blur(kernel.splat(rows)), kernel.index, kernel.out_weight)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return _Adjoint.apply(grad.contiguous(), ctx.kernel), None


class _Adjoint(torch.autograd.Function):

    @staticmethod
    def forward(ctx, rows: Tensor, kernel: Kernel) -> Tensor:
        ctx.kernel = kernel
        return read(kernel.blur(kernel.splat_out(rows), reverse=True), kernel.index, kernel.in_weight)

    @staticmethod
    def backward(ctx, grad: Tensor):
        return _Filter.apply(grad.contiguous(), ctx.kernel), None
