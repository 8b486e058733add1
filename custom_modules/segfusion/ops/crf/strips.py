r"""Lattice filters for a processor: strips of an image, each with a small table of its own.

The filter is that of :mod:`.permutohedral`, and so is its lattice. What differs is the order of the work: points are
taken in strips of ``STRIP``; the vertices around a strip fit into a cache, and a strip is read, worked on and splat in
one go. In between, the strips' tables are added and blurred, eight channels at a time. So an iteration of mean field
is two rounds of long tasks for however many threads, which hardly wait for each other: that matters when other
processes want the same cores. Who does which task changes nothing: every sum is taken in one order.

Needs Numba (the extra ``numba``); single precision only.
"""
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from ...portable import portable
from .kernels import normalizers
from .permutohedral import _jumps, _key_dtype, _number_cells, _scale

STRIP = 8192  # points
NOTHING = np.empty(0, np.float32)


@lru_cache(maxsize=1)
def _compiled():
    """The modules of compiled loops: to build kernels, and to filter. None without Numba."""
    if find_spec('numba') is None:
        return None
    try:
        from . import embed_loops, strip_loops
    except ImportError as error:  # NumPy is newer than this Numba, for one
        warnings.warn(f'the CRF runs without its compiled loops, several times slower: Numba cannot be used ({error})',
                      stacklevel=2)
        return None
    return embed_loops, strip_loops


def strips_work(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether such points can be filtered in strips."""
    return device.type == 'cpu' and dtype == torch.float32 and not portable() and _compiled() is not None


def share(count: int, work: Callable[[int], None]) -> None:
    """Call ``work`` with every number below ``count``, on as many threads as PyTorch uses; whoever is free goes on."""
    numbers = iter(range(count))  # its next() is one step of the interpreter: no number is taken twice

    def take():
        for number in numbers:
            work(number)

    helpers = min(torch.get_num_threads(), count) - 1
    if helpers < 1:
        return take()
    with ThreadPoolExecutor(helpers) as pool:
        others = [pool.submit(take) for _ in range(helpers)]
        take()
        for other in others:
            other.result()


def rows_of_planes(planes: Tensor) -> Tensor:
    """(N, C, P), contiguous, to (N * P, C)."""
    loops, (images, channels, points) = _compiled()[1], planes.shape
    out = torch.empty(images, points, channels)
    array, rows, each = planes.detach().numpy(), out.numpy(), -(-points // STRIP)

    def work(task):
        image, s = divmod(task, each)
        loops.rows_of_planes(array[image], s * STRIP, min((s + 1) * STRIP, points), rows[image])

    share(images * each, work)
    return out.flatten(0, 1)


def flat(rows: Tensor) -> np.ndarray:
    """The numbers of a tensor, one after the other."""
    return rows.detach().contiguous().view(-1).numpy()


class StripKernel:
    r"""A normalised lattice filter, as :class:`.kernels.LatticeKernel` is, over strips of points.

    Attributes:
        points (ndarray): Where the S strips begin, and the end, (S + 1,). No strip holds points of two images.
        index (ndarray): Rows of the strip's table that each point reads and is splat to, (P, D) int32.
        in_weight, out_weight (ndarray): Weights of the splat and of the reading, (P, D).
        bounds (ndarray): Where the rows of each strip begin among those of all strips, (S + 1,).
        source (ndarray): The row of the joint table that each strip's row is a part of, (L,) int32.
        order, offset (ndarray): The strips' rows, (L,), grouped by row of the joint table, (rows + 1,).
        neighbour (ndarray): As in :class:`.permutohedral.Lattice`, (D, rows, 3) int32.
        rows (int): Rows of the joint table. Row 0 stands for absent vertices.
    """

    def __init__(self, features: Tensor, normalization: str, images: int, blurs: int, dilations: int):
        each = features.shape[1] // images
        self.points = np.array([i * each + s for i in range(images) for s in range(0, each, STRIP)] + [images * each])
        self.blurs = blurs
        mass = self._embed(features, each, images, dilations)
        self._normalize(mass, normalization, images)

    @property
    def strips(self) -> int:
        """S."""
        return len(self.points) - 1

    def _embed(self, features, each, images, dilations):
        loops, (dim, count) = _compiled()[0], features.shape
        array = features.numpy()
        strides, lowest, volume = _number_cells(array.min(1).tolist(), array.max(1).tolist(), self.blurs, dilations)
        _key_dtype(volume * images, dim)
        jumps, scale = _jumps(strides), np.array(_scale(dim, self.blurs), np.float32)
        start = -sum(s * low for s, low in zip(strides, lowest))
        self.index, self.in_weight = np.empty((count, dim + 1), np.int32), np.empty((count, dim + 1), np.float32)
        steps = np.array(jumps)
        found: List[Tuple[np.ndarray, np.ndarray]] = [None] * self.strips

        def embed(s):
            first, last = self.points[s], self.points[s + 1]
            most = (last - first) * (dim + 1)
            cells, mass = np.empty(most, np.int64), np.empty(most, np.float32)
            base = (int(first) // each * volume + start + 2**63) % 2**64 - 2**63  # sums may wrap around on the way
            size = loops.embed(array, scale, steps, base, first, last, self.index, self.in_weight, cells, mass)
            found[s] = cells[:size].copy(), mass[:size].copy()

        share(self.strips, embed)
        self.bounds = np.cumsum([0, *(len(cells) for cells, _ in found)])
        self._group(np.concatenate([cells for cells, _ in found]), steps, dilations)
        return np.concatenate([mass for _, mass in found])

    def _group(self, numbers, jumps, dilations):
        # What permutohedral.group_by_vertex does; PyTorch's threads would spin for a while on the cores that ours need
        loops = _compiled()[0]
        self.order = np.argsort(numbers, kind='stable')
        ordered = numbers[self.order]
        cells = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
        for _ in range(dilations):
            cells = np.unique(np.concatenate([cells, *(cells + jump for jump in (*jumps, *-jumps))]))
        self.rows = len(cells) + 1
        self.source, self.offset = loops.group(ordered, self.order, cells)
        self.neighbour = np.zeros((len(jumps), self.rows, 3), np.int32)
        share(len(jumps), lambda axis: loops.connect(cells, jumps[axis], self.neighbour[axis]))

    def _normalize(self, mass, normalization, images):
        loops, weight = _compiled()[0], self.in_weight
        table = loops.filter_mass(mass, self.order, self.offset, self.neighbour, self.blurs)
        alpha = 1 / (1 + 2**-(len(self.neighbour) - 1))
        total, mean = np.empty(len(weight), np.float32), None

        def slice_mass(s):
            source = self.source[self.bounds[s]:self.bounds[s + 1]]
            loops.slice_mass(table, source, self.index, weight, *self.points[s:s + 2], np.float32(alpha), total)

        def factor(part):  # of few points at a time, which PyTorch does without threads of its own
            before, after = normalizers(torch.from_numpy(total[part]), alpha, normalization, 1)
            return (after if before is None else before).numpy()

        def scale(s):
            part = slice(*self.points[s:s + 2])
            loops.scale_rows(weight[part], factor(part) if mean is None else mean[part], scaled[part])

        share(self.strips, slice_mass)
        if normalization == 'mean':
            mean = normalizers(torch.from_numpy(total), alpha, normalization, images)[1].numpy()
        scaled = weight if normalization == 'symmetric' else np.empty_like(weight)
        share(self.strips, scale)
        self.in_weight = scaled if normalization in ('symmetric', 'before') else weight
        self.out_weight = weight if normalization == 'before' else scaled

    def filter(self, rows: Tensor) -> Tensor:
        """(P, C) -> (P, C)."""
        return self._apply(rows, self.in_weight, self.out_weight, False)

    def adjoint(self, grad: Tensor) -> Tensor:
        """(P, C) -> (P, C)."""
        return self._apply(grad, self.out_weight, self.in_weight, True)

    def _apply(self, rows, splat, read, reverse):
        tables, out = StripTables([self], rows.shape[1]), torch.empty(rows.shape)
        tables.splat(flat(rows), splat)
        table, _ = tables.blur(reverse)
        tables.read(table, tables.padded([torch.ones(())]), read, NOTHING, flat(out))
        return out


class StripTables:
    """The tables of several kernels over the same points, and what is done with them strip by strip.

    Args:
        kernels: Of the same points.
        channels: C. Tables have them in ``blocks`` of ``LANES``.
    """

    def __init__(self, kernels: Sequence[StripKernel], channels: int):
        self.kernels, self.channels, self.points = kernels, channels, kernels[0].points
        self.loops = _compiled()[1]
        self.blocks = -(-channels // self.loops.LANES)
        self.width = self.blocks * self.loops.LANES
        sizes = np.stack([np.diff(k.bounds) for k in kernels], 1)  # (S, kernels)
        inside = np.concatenate([np.zeros_like(sizes[:, :1]), sizes.cumsum(1)], 1)
        self.inside = inside  # where the rows of each kernel begin in a strip, and their number
        self.bounds = np.cumsum([0, *inside[:, -1]])
        self.firsts = np.cumsum([0, *(k.rows for k in kernels)])  # of each kernel in the joint table
        self.source, self.order = np.empty(self.bounds[-1], np.int32), []
        for k, kernel in enumerate(kernels):
            moved = self.bounds[:-1] + inside[:, k] - kernel.bounds[:-1]
            place = np.arange(len(kernel.source)) + np.repeat(moved, sizes[:, k])
            self.source[place] = kernel.source + self.firsts[k]
            self.order.append(place[kernel.order])
        self.corners = sum(k.index.shape[1] for k in kernels)
        self.index = self._joined([k.index for k in kernels], self.width)
        self.in_weight = self._joined([k.in_weight for k in kernels])
        same = all(k.in_weight is k.out_weight for k in kernels)
        self.out_weight = self.in_weight if same else self._joined([k.out_weight for k in kernels])
        # Memory is taken once: the system hands out fresh pages more slowly than a pass over them takes.
        self.sums, self.fetched, self.again = self._table(), self._table(), None  # what is splat to, and what is read
        self.room = None  # to blur in

    def _table(self) -> np.ndarray:
        return torch.empty(int(self.bounds[-1]) * self.width).numpy()

    def _joined(self, parts, factor: int = 0):
        """Columns of all kernels side by side; with ``factor``, rows of a kernel become places in a strip's table."""
        if len(parts) == 1 and not factor:
            return parts[0].reshape(-1)
        columns = np.cumsum([0, *(part.shape[1] for part in parts)])
        out = np.empty((len(parts[0]), columns[-1]), parts[0].dtype)
        scale = out.dtype.type(factor or 1)

        def join(s):
            for k, part in enumerate(parts):
                shift = out.dtype.type(self.inside[s, k] if factor else 0)
                self.loops.join(part, shift, scale, *self.points[s:s + 2], columns[k], out)

        share(len(self.inside), join)
        return out.reshape(-1)

    def _each(self, work: Callable[[int, slice, Tuple[int, int]], None]) -> None:
        """Call ``work`` with every strip: its number, its part of the tables, its first and last point."""
        bounds = self.bounds * self.width
        share(len(self.inside), lambda s: work(s, slice(bounds[s], bounds[s + 1]), tuple(self.points[s:s + 2])))

    def splat(self, rows: np.ndarray, weight: np.ndarray) -> None:
        """Rows (P * C,) to the strips' tables."""
        self._each(lambda s, own, part: self.loops.splat(
            rows, self.channels, self.index, weight, self.corners, *part, self.sums[own]))

    def blur(self, reverse: bool, keep: bool = False,
             table: Optional[np.ndarray] = None) -> Tuple[np.ndarray, Optional[np.ndarray]]:
        """Sum over strips, and blur: the joint table (B, rows * LANES), and the sums if they are to be kept.

        A ``table`` that is read no more is overwritten.
        """
        shape = self.blocks, int(self.firsts[-1]) * self.loops.LANES
        table, self.room = (torch.empty(shape).numpy() if old is None else old for old in (table, self.room))
        rows = torch.empty(shape if keep else (0, 0)).numpy()

        def work(task):
            k, block = divmod(task, self.blocks)
            kernel = self.kernels[k]
            self.loops.sum_and_blur(self.sums, self.blocks, block, self.order[k], kernel.offset, kernel.neighbour,
                                    kernel.blurs, reverse, rows, table, self.room, self.firsts[k])

        share(len(self.kernels) * self.blocks, work)
        return table, rows

    def fetch(self, s: int, own: slice, table: np.ndarray, compat: np.ndarray, into: np.ndarray) -> np.ndarray:
        """What a strip reads of the joint table, channels mixed by ``compat``."""
        rows = self.source[self.bounds[s]:self.bounds[s + 1]]
        self.loops.fetch(table, rows, self.inside[s], compat, into[own])
        return into[own]

    def read(self, table: np.ndarray, compat: np.ndarray, weight: np.ndarray, unary: np.ndarray,
             out: np.ndarray) -> None:
        """``out`` (P * C,): what each point reads, plus ``unary`` if it is not empty."""

        def work(s, own, part):
            self.loops.read(
                self.fetch(s, own, table, compat, self.fetched), self.channels, self.index, weight,
                self.corners, unary, *part, out)

        self._each(work)

    def update(self, table: Optional[np.ndarray], compat: np.ndarray, unary: np.ndarray, beliefs: np.ndarray) -> None:
        """Read the messages (None: there are none yet), add ``unary``, softmax, keep as ``beliefs`` if asked, splat."""

        def work(s, own, part):
            message = NOTHING if table is None else self.fetch(s, own, table, compat, self.fetched)
            self.loops.update(message, unary, self.channels, self.index, self.out_weight, self.in_weight, self.corners,
                              *part, beliefs, self.sums[own])

        self._each(work)

    def update_back(self, table: np.ndarray, back: np.ndarray, beliefs: np.ndarray, messages: Optional[np.ndarray],
                    compat: np.ndarray, unary: np.ndarray, grad: np.ndarray) -> None:
        """The adjoint of ``update``; without ``beliefs`` they are computed again from the table ``messages``."""
        if messages is not None and self.again is None:
            self.again = self._table()

        def work(s, own, part):
            again = NOTHING if messages is None else self.fetch(s, own, messages, compat, self.again)
            self.loops.update_back(
                self.fetch(s, own, table, back, self.fetched), beliefs, again, unary, self.channels, self.index,
                self.out_weight, self.in_weight, self.corners, *part, grad, self.sums[own])

        self._each(work)

    def of_kernels(self, table: np.ndarray) -> List[Tensor]:
        """The joint table (B, rows * LANES) as one (rows, C) a kernel."""
        rows = torch.from_numpy(table).view(self.blocks, -1, self.loops.LANES).transpose(0, 1).flatten(1)
        return list(rows[:, :self.channels].split(np.diff(self.firsts).tolist()))

    def padded(self, compats: Sequence[Tensor], transposed: bool = False) -> np.ndarray:
        """Compatibilities as ``fetch`` takes them, all as matrices if one is."""
        matrices = any(compat.dim() == 2 for compat in compats)
        out = torch.zeros(len(compats), self.width if matrices else 1, self.width)
        for one, compat in zip(out, compats):
            if matrices:
                compat = compat if compat.dim() == 2 else torch.eye(self.channels) * compat
                one[:self.channels, :self.channels] = compat if transposed else compat.t()
            else:
                one[0, :self.channels] = compat
        return out.numpy()
