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
    down, spacing = np.float32(1 / corners), np.float32(corners)
    elevated, cell = np.empty((corners, POINTS), np.float32), np.empty((corners, POINTS), np.float32)
    rank, sums = np.empty((corners, POINTS), np.float32), np.empty(POINTS, np.float32)
    by_rank, diff_by_rank = np.empty(corners, np.int64), np.empty(corners, np.float32)
    previous, same = np.full(corners, NOWHERE, np.int64), np.zeros(corners, np.int32)
    slots = 4096
    keys, rows = np.empty(slots, np.int64), np.full(slots, -1, np.int32)
    count = 0
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
        for p in range(points):
            number = base
            for i in range(corners):
                place, whole = rank[i, p], cell[i, p]
                wrap = np.float32(place < 0) - np.float32(place > dim)
                by = np.int64(place + wrap * spacing)
                number += np.int64(whole + wrap) * jumps[i]
                by_rank[by] = jumps[i]
                diff_by_rank[by] = elevated[i, p] * down - wrap
            for r in range(corners):
                if r == 0:
                    share = diff_by_rank[dim] + ONE - diff_by_rank[0]
                else:
                    number -= by_rank[corners - r]
                    share = diff_by_rank[dim - r] - diff_by_rank[corners - r]
                if number != previous[r]:
                    previous[r] = number
                    slot = _slot(keys, rows, number)
                    if rows[slot] < 0:
                        keys[slot], rows[slot], cells[count], mass[count] = number, count, number, ZERO
                        count += 1
                    same[r] = rows[slot]
                    if 2 * count > len(rows):
                        keys, rows = _grown(keys, rows)
                index[start + p, r], weight[start + p, r] = same[r], share
                mass[same[r]] += share
    return count


@compiled
def _slot(keys, rows, number):
    """Where a cell number is, or is to go, in an open hash table."""
    mask = len(rows) - 1
    slot = ((number * 0x1E3779B97F4A7C15) >> 29) & mask
    while rows[slot] >= 0 and keys[slot] != number:
        slot = (slot + 1) & mask
    return slot


@compiled
def _grown(keys, rows):
    more_keys, more_rows = np.empty(2 * len(keys), np.int64), np.full(2 * len(rows), -1, np.int32)
    for k in range(len(rows)):
        if rows[k] >= 0:
            slot = _slot(more_keys, more_rows, keys[k])
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
def scale_rows(weight, factor, first, last, out):
    for p in range(first, last):
        for e in range(weight.shape[1]):
            out[p, e] = weight[p, e] * factor[p]
