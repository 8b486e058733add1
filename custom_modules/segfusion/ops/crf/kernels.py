"""A normalised Gaussian filter in a form that is made once and applied often: on a lattice, or over all pairs."""
from dataclasses import replace
from typing import Optional, Tuple

import torch
from torch import Tensor

from .permutohedral import Lattice, weighted_bags

EXACT_LIMIT = 16384  # pixels; the matrix then takes 1 GB in single precision
TINY = 1e-20


def normalizers(mass: Tensor, alpha: float, normalization: str,
                images: int) -> Tuple[Optional[Tensor], Optional[Tensor]]:
    """Factors of every pixel before and after a filter that makes ``mass`` of ones; None is 1. Overwrites ``mass``."""
    if normalization == 'symmetric':
        # Not pow: its vectorised form rounds differently, and bits would depend on a pixel's place in the batch.
        n = mass.add_(TINY).sqrt_().reciprocal_().mul_(alpha**0.5)
        return n, n
    if normalization == 'mean':
        return None, (alpha / mass.view(images, -1).mean(1)).repeat_interleave(len(mass) // images)
    if normalization == 'none':
        return None, torch.full_like(mass, alpha)
    n = mass.add_(TINY).reciprocal_().mul_(alpha)
    return (None, n) if normalization == 'after' else (n, None)


def read(table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Each pixel's weighted sum of table rows, (R, C) with (P, n) index and weight -> (P, C)."""
    offset = torch.arange(0, index.numel() + 1, index.shape[1], dtype=torch.int32, device=index.device)
    return weighted_bags(table, index.flatten(), offset, weight.flatten())


def _filter(kernel, rows: Tensor) -> Tensor:
    """(P, C) -> (P, C)."""
    return read(kernel.blur(kernel.splat(rows)), kernel.index, kernel.out_weight)


def _adjoint(kernel, grad: Tensor) -> Tensor:
    """(P, C) -> (P, C)."""
    return read(kernel.blur(kernel.splat_out(grad), reverse=True), kernel.index, kernel.in_weight)


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
        self._n_in, self._n_out = normalizers(lattice.mass(), lattice.alpha, normalization, images)
        if self._n_in is self._n_out:
            # Both directions use the same weights; they replace the lattice's own, which nobody needs any more.
            n, self._n_in, self._n_out = self._n_in, None, None
            weight, entries = lattice.weight * n[:, None], _per_entry(lattice, n)
            lattice = replace(lattice, weight=weight, splat_weight=entries)
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

    filter, adjoint = _filter, _adjoint


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

    filter, adjoint = _filter, _adjoint
