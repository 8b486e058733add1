r"""The permutohedral lattice: Gaussian filtering of scattered points in time linear in their number.

Every point lies in one simplex of a lattice whose cells have the size of the Gaussian. Its value is *splat* onto the
:math:`d + 1` vertices of that simplex, the vertices are *blurred* with [1/2, 1, 1/2] along each of :math:`d + 1` axes,
and points read the result back (*slice*) with the weights of the splat.

Paper: `Fast High-Dimensional Filtering Using the Permutohedral Lattice
<https://graphics.stanford.edu/papers/permutohedral/>`_.
Checked against: lucasb-eyer/pydensecrf and sadeepj/crfasrnn_pytorch, permutohedral.cpp (24899c52), results only.
Differs: no hash table. Vertices are integers whose order is that of their coordinates; one stable sort groups the
points by vertex, and each step is one sparse product (:func:`weighted_bags`). Hence many images at once, any device,
and no atomics: the same input gives the same bits.

Legend: d features of a point, D = d + 1 corners of a simplex, P points (all pixels of a batch, image after image),
M vertices, C channels. Tables of vertex values have M + 1 rows; row 0 is zero and stands for absent vertices.
"""
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Callable, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from ...portable import portable
from .busy import look

CHUNK = 16384  # points worked on at a time, so that temporaries stay in the L2 cache
SEGMENT = 64  # entries of a splat that one thread of a GPU adds up


def weighted_bags(table: Tensor, index: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
    r"""Sums of weighted rows, :math:`y_b = \sum_{e = o_b}^{o_{b+1} - 1} w_e T_{i_e}`; a sparse matrix times ``table``.

    Shape:
        - table (R, C), index (E,), offset (B + 1,), weight (E,) -> (B, C)
    """
    bags = _bags_of(table)
    if bags is not None:
        return bags(table, index, offset, weight)
    # A vectorised kernel on CPU, a deterministic one on CUDA. ``padding_idx`` must stay absent: -1 is "the last row".
    return torch.embedding_bag(table, index, offset, False, 0, False, weight, True)[0]


def _bags_of(table: Tensor) -> Optional[Callable]:
    """A kernel of our own, where there is one: by Triton, which comes with PyTorch on Linux, on a GPU."""
    return _triton_bags() if table.is_cuda and not portable() else None


@lru_cache(maxsize=1)
def _triton_bags() -> Optional[Callable]:
    try:
        from .triton_bags import triton_bags
    except ImportError:
        return None
    return triton_bags


@dataclass(frozen=True)
class Lattice:
    """A lattice built for fixed points; see :func:`build_lattice`.

    Attributes:
        corner (Tensor): Rows of the table that hold the corners of each point's simplex, (P, D) int32.
        weight (Tensor): Barycentric weight of each corner, (P, D); rows add up to one.
        splat_point (Tensor): The points, grouped by vertex, (P * D,) int32.
        splat_weight (Tensor): ``weight`` in the order of ``splat_point``.
        splat_offset (Tensor): Where the group of each table row starts in ``splat_point``, (M + 2,) int32.
        neighbour (Tensor): For each axis and table row the rows [self, next, previous], (D, 3 * (M + 1)) int32.
        blurs (int): How often each axis is blurred.
        segment_offset, row_segment (Tensor, optional): Groups cut into short segments, and where the segments of each
            table row start. A few groups are a thousand times longer than most, and a GPU would wait for them.
    """
    corner: Tensor
    weight: Tensor
    splat_point: Tensor
    splat_weight: Tensor
    splat_offset: Tensor
    neighbour: Tensor
    blurs: int = 1
    segment_offset: Optional[Tensor] = None
    row_segment: Optional[Tensor] = None

    @property
    def points(self) -> int:
        """P."""
        return self.corner.shape[0]

    @property
    def rows(self) -> int:
        """M + 1, the rows of a table."""
        return self.splat_offset.numel() - 1

    @property
    def alpha(self) -> float:
        """Factor by which the filter's authors scale the result, 1 / (1 + 2^-d); cancels when normalised."""
        return 1 / (1 + 2**-(self.corner.shape[1] - 1))

    def splat(self, values: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Values of points to values of vertices, (P, C) -> (M + 1, C); ``weight`` replaces ``splat_weight``."""
        weight = self.splat_weight if weight is None else weight
        if self.segment_offset is None:
            return weighted_bags(values, self.splat_point, self.splat_offset, weight)
        parts = weighted_bags(values, self.splat_point, self.segment_offset, weight)
        every = torch.arange(len(parts), dtype=torch.int32, device=parts.device)
        return weighted_bags(parts, every, self.row_segment, parts.new_ones(len(parts)))

    def blur(self, table: Tensor, reverse: bool = False) -> Tensor:
        """Blur along every axis in turn, (M + 1, C) -> (M + 1, C); in ``reverse`` order it is the exact adjoint."""
        taps = table.new_full((self.rows, 3), .5)  # filled there: a GPU would be waited for to copy numbers to it
        taps[:, 0].fill_(1.)
        taps = taps.view(-1)
        offset = torch.arange(0, 3 * self.rows + 1, 3, dtype=torch.int32, device=table.device)
        axes = range(len(self.neighbour) - 1, -1, -1) if reverse else range(len(self.neighbour))
        for axis in axes:
            for _ in range(self.blurs):
                table = weighted_bags(table, self.neighbour[axis], offset, taps)
        return table

    def slice(self, table: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Values of vertices to values of points, (M + 1, C) -> (P, C); ``weight`` replaces ``self.weight``."""
        weight = self.weight if weight is None else weight
        corners = self.corner.shape[1]
        offset = torch.arange(0, self.corner.numel() + 1, corners, dtype=torch.int32, device=table.device)
        return weighted_bags(table, self.corner.flatten(), offset, weight.flatten())

    def filter(self, values: Tensor, reverse: bool = False) -> Tensor:
        r"""Raw filter :math:`\alpha B^T H S x`, (P, C) -> (P, C); ``reverse`` is its adjoint. Not differentiable."""
        return self.slice(self.blur(self.splat(values), reverse)).mul_(self.alpha)

    def mass(self) -> Tensor:
        """``filter`` of ones, (P,): what a normalisation divides by. Faster than a table with one column."""
        if self.segment_offset is None:
            ones = torch.segment_reduce(self.splat_weight, 'sum', offsets=self.splat_offset.long(), initial=0)
        else:
            ones = self.splat(self.weight.new_ones(self.points, 1))[:, 0]
        for axis in self.neighbour.view(len(self.neighbour), -1, 3):
            for _ in range(self.blurs):
                taps = ones[axis]  # (M + 1, 3)
                ones = taps[:, 0] + (taps[:, 1] + taps[:, 2]) * 0.5
        return (ones.index_select(0, self.corner.view(-1)).view_as(self.weight) * self.weight).sum(1).mul_(self.alpha)


@torch.no_grad()
def build_lattice(features: Tensor, counts: Optional[Sequence[int]] = None, blurs: int = 1, dilations: int = 0,
                  segment: Optional[int] = None) -> Lattice:
    r"""Build the lattice whose filter approximates :math:`y_i = \sum_j e^{-|f_i - f_j|^2 / 2} x_j`.

    Args:
        features (Tensor): Positions in units of the standard deviation, float32 or float64. Columns that hold the
            x and y of an image should come first: vertices are then laid out along the image.
        counts (Sequence[int], optional): Points of each image, in order; images do not see each other.
            Defaults to one image.
        blurs (int): Blurs of each axis. More of them on a correspondingly finer lattice are closer to a Gaussian.
            Defaults to 1, the ordinary lattice.
        dilations (int): How often the neighbours of all vertices are added as (empty) vertices. Without them
            mass that has to travel over an empty vertex is lost. Defaults to 0, the ordinary lattice.
        segment (int, optional): Longest run of entries that a splat adds up at once; 0 for any. Defaults to 64 on a
            GPU, and 0 elsewhere.

    Raises:
        ValueError: If a feature is not finite, or the features span more cells than 62 bits can number.

    Shape:
        - features (d, P)
    """
    counts = [features.shape[1]] if counts is None else list(counts)
    if features.dtype not in (torch.float32, torch.float64) or features.dim() != 2 or sum(counts) != features.shape[1]:
        raise ValueError(f'expected float32 or float64 features (d, P) with P = sum(counts) = {sum(counts)}, '
                         f'got {features.dtype} of shape {tuple(features.shape)}')
    if blurs < 1 or dilations < 0:
        raise ValueError(f'expected blurs >= 1 and dilations >= 0, got {blurs} and {dilations}')
    dim, points = features.shape
    low = high = [0.] * dim
    if points:
        low, high = torch.stack([features.amin(1), features.amax(1)]).double().tolist()  # aminmax is not vectorised
    strides, lowest, volume = _number_cells(low, high, blurs, dilations)
    dtype = _key_dtype(volume * len(counts), dim)
    key = torch.empty(points, dim + 1, dtype=dtype, device=features.device)
    weight = torch.empty(points, dim + 1, dtype=features.dtype, device=features.device)
    first = 0
    for image, count in enumerate(counts):
        base = image * volume - sum(s * low for s, low in zip(strides, lowest))
        step = CHUNK if features.device.type == 'cpu' else max(count, 1)
        for start in range(first, first + count, step):
            part = slice(start, min(start + step, first + count))
            _embed(features[:, part], strides, base, blurs, key[part].t(), weight[part].t())
            look()
        first += count
    jumps = _jumps(strides)
    order, vertex, offset, neighbour = group_by_vertex(key.view(-1), jumps, dilations)
    del key
    # The point of entry e is e // D. As a product it is several times faster; the half keeps it clear of rounding.
    point = order.double().add_(0.5).mul_(1 / (dim + 1)).int()
    segment = (SEGMENT if features.device.type == 'cuda' else 0) if segment is None else segment
    segment_offset, row_segment = _segments(offset, segment) if segment else (None, None)
    return Lattice(
        corner=vertex.view(points, dim + 1),
        weight=weight,
        splat_point=point,
        splat_weight=weight.view(-1).take(order),
        splat_offset=offset.int(),
        neighbour=neighbour,
        blurs=blurs,
        segment_offset=segment_offset,
        row_segment=row_segment)


def group_by_vertex(key: Tensor, jumps: Sequence[int], dilations: int) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """Group entries by the number of their vertex.

    Returns:
        The entries in the order of their vertices; the table row of each entry, from 1 on, int32; where the group of
        each table row starts in that order; and the rows' neighbours, see :class:`Lattice`.
    """
    ordered, order = torch.sort(key, stable=True)
    fresh = torch.ones_like(ordered, dtype=torch.bool)
    torch.ne(ordered[1:], ordered[:-1], out=fresh[1:])
    starts = fresh.nonzero().flatten()
    vertex = fresh.cumsum(0, dtype=torch.int32)  # of each sorted entry, counted from 1
    cells = ordered.index_select(0, starts)  # (M,)
    sizes = torch.cat([starts, starts.new_tensor([ordered.numel()])]).diff()
    if dilations:
        grown = cells
        for _ in range(dilations):
            shifted = [grown + jump for jump in jumps] + [grown - jump for jump in jumps]
            grown = torch.unique(torch.cat([grown, *shifted]))
        place = torch.searchsorted(grown, cells)
        vertex = (place + 1).int().index_select(0, vertex - 1)
        sizes = sizes.new_zeros(grown.numel()).index_copy_(0, place, sizes)
        cells = grown
    offset = torch.cat([sizes.new_zeros(2), sizes.cumsum(0)])
    return order, torch.empty_like(vertex).scatter_(0, order, vertex), offset, _neighbours(cells, jumps)


def _number_cells(low: List[float], high: List[float], blurs: int, dilations: int) -> Tuple[List[int], List[int], int]:
    """Strides and lowest values of the digits that number the vertices of one image, and how many numbers there are.

    Features are between ``low`` and ``high``.

    Vertex r of a simplex has coordinates :math:`D q_i + r` that add up to zero, so the d differences
    :math:`q_i - q_{i+1}` determine it. Each depends on two neighbouring features only: the box is small.
    """
    dim = len(low)
    if not all(map(math.isfinite, low + high)):
        raise ValueError('expected finite features, got NaN or infinity: check the image and the bandwidths')
    scale = _scale(dim, blurs)
    lowest, ranges = [], []
    for i in range(dim):
        ends = sorted([(i + 2) * scale[i] * low[i], (i + 2) * scale[i] * high[i]])
        if i:
            ends = [ends[0] - i * scale[i - 1] * high[i - 1], ends[1] - i * scale[i - 1] * low[i - 1]]
        # One cell for each of: rounding, bringing the point back to the plane, the corner, its neighbour, good measure.
        margin = 5 + dilations
        lowest.append(math.floor(ends[0] / (dim + 1)) - margin)
        ranges.append(math.ceil(ends[1] / (dim + 1)) + margin - lowest[-1] + 1)
    strides = [math.prod(ranges[i + 1:]) for i in range(dim)]
    return strides, lowest, math.prod(ranges)


def _key_dtype(numbers: int, dim: int) -> torch.dtype:
    if numbers < 2**31:
        return torch.int32
    if numbers < 2**62:
        return torch.int64
    raise ValueError(f'the {dim} features span {numbers:.1e} lattice cells, more than 62 bits can number: use larger '
                     'bandwidths (they are in pixels and in colour levels 0..255), or fewer images at a time')


def _jumps(strides: Sequence[int]) -> List[int]:
    """By how much the number of a vertex grows along each of the D axes."""
    edges = [0, *strides, 0]
    return [edges[j + 1] - edges[j] for j in range(len(edges) - 1)]


def _scale(dim: int, blurs: int) -> List[float]:
    """Spacing of the lattice, such that interpolating twice and ``blurs`` blurs have the variance of the Gaussian."""
    # In single precision, in the order of the peers: where rounding breaks a tie decides which empty vertices exist.
    spread = torch.tensor(math.sqrt(1 / 6 + blurs / 2) * (dim + 1), dtype=torch.float32).item()
    return [torch.tensor(1 / math.sqrt((k + 1) * (k + 2)) * spread, dtype=torch.float32).item() for k in range(dim)]


def _embed(features: Tensor, strides: Sequence[int], base: int, blurs: int, key: Tensor, weight: Tensor) -> None:
    """Write the vertex numbers ``key`` (D, n) and barycentric weights ``weight`` (D, n) of points (d, n)."""
    dim, points = features.shape
    corners = dim + 1
    scale = _scale(dim, blurs)
    elevated = features.new_empty(corners, points)
    total = torch.zeros_like(features[0])
    for j in range(dim, 0, -1):  # not a matrix product: it rounds differently, see _scale
        part = features[j - 1] * scale[j - 1]
        torch.sub(total, part * j, out=elevated[j])
        total = total + part
    elevated[0] = total
    down = torch.tensor(1 / corners, dtype=torch.float32).item() if features.dtype == torch.float32 else 1 / corners
    cell = (elevated * down).round_()  # q of the nearest vertex with remainder 0
    diff = elevated - cell * corners
    # rank = place of a coordinate when diff is sorted descending; on a tie the later coordinate comes later.
    # Small integers are kept as floats: comparisons can then write into them without a conversion.
    rank = torch.arange(corners, dtype=diff.dtype, device=diff.device)[:, None].repeat(1, points)
    ahead = torch.empty_like(diff)
    for shift in range(1, corners):
        torch.lt(diff[:-shift], diff[shift:], out=ahead[shift:])
        rank[:-shift] += ahead[shift:]
        rank[shift:] -= ahead[shift:]
    rank += cell.sum(0)  # rounding may have left the plane; step back along the largest differences
    wrap = torch.lt(rank, 0, out=ahead) - torch.gt(rank, dim, out=torch.empty_like(rank))
    rank.add_(wrap, alpha=corners)
    cell += wrap
    rank = rank.long()
    down_the_rank = torch.empty_like(diff).scatter_(0, rank, diff.mul_(down).sub_(wrap))
    steps_down = torch.empty_like(diff)
    torch.sub(down_the_rank[dim] + 1, down_the_rank[0], out=steps_down[0])
    torch.sub(down_the_rank[:-1].flip(0), down_the_rank[1:].flip(0), out=steps_down[1:])
    weight.copy_(steps_down)
    if key.dtype == torch.int32:  # sums below may wrap around on the way, but not in the end
        base = (base + 2**31) % 2**32 - 2**31
    whole = cell.to(key.dtype)
    jumps = torch.tensor(_jumps(strides), dtype=key.dtype, device=key.device)
    steps = jumps[:, None].expand(-1, points)
    by_rank = torch.empty_like(whole).scatter_(0, rank, steps)
    numbers = torch.empty_like(whole)
    numbers[0] = (whole * steps).sum(0, dtype=key.dtype) + base
    for r in range(1, corners):
        torch.sub(numbers[r - 1], by_rank[corners - r], out=numbers[r])
    key.copy_(numbers)


def _segments(offset: Tensor, longest: int) -> Tuple[Tensor, Tensor]:
    """Cut groups into segments of at most ``longest`` entries: offsets of the segments, first segment of each row."""
    parts = (offset.diff() + longest - 1).div(longest, rounding_mode='floor')
    first = torch.cat([parts.new_zeros(1), parts.cumsum(0)])
    row = torch.arange(len(parts), device=offset.device).repeat_interleave(parts)
    within = torch.arange(len(row), device=offset.device) - first[row]
    start = offset[row] + within * longest
    return torch.cat([start, offset[-1:]]).int(), first.int()


def _neighbours(cells: Tensor, jumps: Sequence[int]) -> Tensor:
    """Table rows [self, next, previous] of each vertex along each axis, (D, 3 * (M + 1)) int32; 0 where absent."""
    count = cells.numel()
    rows = torch.arange(count + 1, dtype=torch.int32, device=cells.device)
    table = torch.zeros(len(jumps), count + 1, 3, dtype=torch.int32, device=cells.device)
    table[:, :, 0] = rows
    for axis, jump in enumerate(jumps):
        if count:
            target = cells + jump
            place = torch.searchsorted(cells, target).clamp_(max=count - 1)
            table[axis, 1:, 1] = torch.where(cells[place] == target, place + 1, 0).int()
            has = table[axis, :, 1] > 0
            table[axis, table[axis, has, 1].long(), 2] = rows[has]
    return table.flatten(1)
