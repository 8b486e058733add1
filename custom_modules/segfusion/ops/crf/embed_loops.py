"""The loops that build a :class:`.strips.StripKernel`, compiled by Numba on first use and kept on disk.

Legend: P points with d features, D = d + 1 corners of a simplex, L rows of the strips' own tables, R of the joint one.
"""
import numpy as np
from numba import njit

POINTS = 256  # points embedded at a time
NOWHERE = np.iinfo(np.int64).min  # the number of no cell
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)

compiled = njit(nogil=True, cache=True)


@compiled
def embed(features, scale, jumps, base, first, last, index, weight, cells, mass):
    """Number the lattice vertices around the points ``first`` to ``last``, in the order in which they are met.

    Writes ``index`` and ``weight`` (P, D), and for each vertex its cell number and the sum of its weights.
    See :func:`.permutohedral._embed`, whose roundings these are. Returns the number of vertices.
    """
    dim = features.shape[0]
    corners = dim + 1
    down, spacing, top = np.float32(1 / corners), np.float32(corners), np.float32(dim)
    elevated, cell = np.empty((corners, POINTS), np.float32), np.empty((corners, POINTS), np.float32)
    rank, sums = np.empty((corners, POINTS), np.float32), np.empty(POINTS, np.float32)
    by, number = np.empty((corners, POINTS), np.int32), np.empty(POINTS, np.int64)
    by_rank, diff_by_rank = np.empty(corners, np.int64), np.empty(corners, np.float32)
    keys, rows, mask, count = np.full(4096, NOWHERE), np.empty(4096, np.int32), 4095, 0  # an open hash table
    for start in range(first, last, POINTS):
        points = min(POINTS, last - start)
        sums[:] = ZERO
        for j in range(dim, 0, -1):
            for p in range(points):
                part = features[j - 1, start + p] * scale[j - 1]
                elevated[j, p] = sums[p] - part * np.float32(j)
                sums[p] = sums[p] + part
        elevated[0] = sums
        sums[:] = ZERO
        for i in range(corners):
            for p in range(points):
                whole = np.rint(elevated[i, p] * down)
                cell[i, p] = whole
                elevated[i, p] -= whole * spacing
                sums[p] += whole
        for i in range(corners):
            for p in range(points):
                rank[i, p] = sums[p] + np.float32(i)
        for i in range(corners):
            for j in range(i + 1, corners):
                one, other, rank_one, rank_other = elevated[i], elevated[j], rank[i], rank[j]
                for p in range(points):
                    ahead = ONE if one[p] < other[p] else ZERO
                    rank_one[p] += ahead
                    rank_other[p] -= ahead
        number[:] = base
        for i in range(corners):
            jump = jumps[i]
            for p in range(points):
                place = rank[i, p]
                wrap = (ONE if place < ZERO else ZERO) - (ONE if place > top else ZERO)
                by[i, p] = np.int32(place + wrap * spacing)
                number[p] += np.int64(np.int32(cell[i, p] + wrap)) * jump
                elevated[i, p] = elevated[i, p] * down - wrap
        for p in range(points):
            for i in range(corners):
                by_rank[by[i, p]], diff_by_rank[by[i, p]] = jumps[i], elevated[i, p]
            vertex = number[p]
            for r in range(corners):
                if r == 0:
                    share = diff_by_rank[dim] + ONE - diff_by_rank[0]
                else:
                    vertex -= by_rank[corners - r]
                    share = diff_by_rank[dim - r] - diff_by_rank[corners - r]
                # asking whether the last point had the same vertex would cost a wrong guess more often than a look
                slot = _hash(vertex, mask)
                while keys[slot] != vertex:
                    if keys[slot] == NOWHERE:
                        keys[slot], rows[slot], cells[count], mass[count] = vertex, count, vertex, ZERO
                        count += 1
                        if 2 * count > len(keys):
                            keys, rows = _grown(keys, rows)
                            mask = len(keys) - 1
                            slot = _hash(vertex, mask)
                        continue
                    slot = (slot + 1) & mask
                row = rows[slot]
                index[start + p, r], weight[start + p, r] = row, share
                mass[row] += share
    return count


@compiled
def _hash(number, mask):
    return ((number * 0x1E3779B97F4A7C15) >> 29) & mask


@compiled
def _grown(keys, rows):
    more_keys, more_rows = np.full(2 * len(keys), NOWHERE), np.empty(2 * len(rows), np.int32)
    for k in range(len(keys)):
        if keys[k] != NOWHERE:
            slot = _hash(keys[k], len(more_keys) - 1)
            while more_keys[slot] != NOWHERE:
                slot = (slot + 1) & (len(more_keys) - 1)
            more_keys[slot], more_rows[slot] = keys[k], rows[k]
    return more_keys, more_rows


@compiled
def filter_mass(mass, order, offset, neighbour, blurs):
    """Sum over strips and blur one number a vertex: (L,) -> (R,)."""
    table = np.zeros(len(offset) - 1, np.float32)
    for v in range(len(table)):
        for e in range(offset[v], offset[v + 1]):
            table[v] += mass[order[e]]
    other = np.empty_like(table)
    for axis in neighbour:
        for _ in range(blurs):
            for v in range(len(table)):
                other[v] = table[v] + (table[axis[v, 1]] + table[axis[v, 2]]) * HALF
            table, other = other, table
    return table


@compiled
def slice_mass(table, source, index, weight, first, last, alpha, out):
    """``out`` (P,): what a filter makes of ones at the points of a strip, whose rows ``source`` names in ``table``."""
    for p in range(first, last):
        mass = ZERO
        for e in range(index.shape[1]):
            mass += weight[p, e] * table[source[index[p, e]]]
        out[p] = mass * alpha


@compiled
def scale_rows(weight, factor, out):
    """(P, D) times (P,)."""
    for p in range(weight.shape[0]):
        for e in range(weight.shape[1]):
            out[p, e] = weight[p, e] * factor[p]


@compiled
def group(ordered, order, cells):
    """The table row of each entry, from 1 on, and where the group of each row starts, (M + 2,).

    ``ordered`` are the entries' cell numbers, sorted by ``order``; ``cells`` (M,) are sorted and hold all of them.
    """
    vertex, offset, row = np.empty(len(order), np.int32), np.zeros(len(cells) + 2, np.int64), 0
    for i in range(len(ordered)):
        while cells[row] != ordered[i]:
            row += 1
        vertex[order[i]] = row + 1
        offset[row + 2] += 1
    return vertex, np.cumsum(offset)


@compiled
def connect(cells, jump, table):
    """Rows [self, next, previous] of each vertex along one axis, (M + 1, 3), 0 where absent: written to zeros."""
    place = 0
    for v in range(len(cells)):
        table[v + 1, 0] = v + 1
        while place < len(cells) and cells[place] < cells[v] + jump:
            place += 1
        if place < len(cells) and cells[place] == cells[v] + jump:
            table[v + 1, 1], table[place + 1, 2] = place + 1, v + 1
