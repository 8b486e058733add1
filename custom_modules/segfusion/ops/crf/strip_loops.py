"""The loops of :mod:`.strips`, compiled by Numba on first use and kept on disk. They hold no lock of Python.

Legend: P pixels, D corners of a simplex (of all kernels together: n), C channels in B = ceil(C / 8) blocks of eight,
L rows of the strips' own tables, R rows of the joint tables. Arrays of floats that vectors are loaded from are flat.
"""
import numpy as np
from numba import njit

from .vectors import (LANES, add, div, exp, filled, largest, load, load_row, maximum, mul, multiply_add, store,
                      store_row, sub, total)

POINTS = 256  # points embedded at a time
LOWEST = np.float32(-1e30)  # logit of the channels that fill up a block: its exponential is 0
NOWHERE = np.iinfo(np.int64).min  # the number of no cell
ZERO, HALF = np.float32(0), np.float32(0.5)

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
                for p in range(points):
                    ahead = np.float32(elevated[i, p] < elevated[j, p])
                    rank[i, p] += ahead
                    rank[j, p] -= ahead
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
                    share = diff_by_rank[dim] + np.float32(1) - diff_by_rank[0]
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


@compiled
def join(values, shift, factor, first, last, column, out):
    for p in range(first, last):
        for e in range(values.shape[1]):
            out[p, column + e] = (values[p, e] + shift) * factor


@compiled
def sum_and_blur(strips, channels, block, order, offset, neighbour, blurs, reverse, rows, table, first):
    """Sum the strips' tables over strips, and blur: eight channels of one kernel.

    ``strips`` is (L * 8 B,); ``table`` (B, R * 8) gets the result from row ``first`` on, and ``rows`` the sums.
    """
    count, width = len(offset) - 1, LANES * channels
    one, other = np.empty(count * LANES, np.float32), np.empty(count * LANES, np.float32)
    for v in range(count):
        value = filled(ZERO)
        for e in range(offset[v], offset[v + 1]):
            value = add(value, load(strips, order[e] * width + block * LANES))
        store(one, v * LANES, value)
    if len(rows):
        rows[block, first * LANES:(first + count) * LANES] = one
    axes = len(neighbour)
    half = filled(HALF)
    for i in range(axes):
        axis = neighbour[axes - 1 - i if reverse else i]
        for _ in range(blurs):
            for v in range(count):
                sides = add(load(one, axis[v, 1] * LANES), load(one, axis[v, 2] * LANES))
                store(other, v * LANES, multiply_add(sides, half, load(one, v * LANES)))
            one, other = other, one
    table[block, first * LANES:(first + count) * LANES] = one


@compiled
def fetch(table, source, bounds, compat, own):
    """Rows ``source`` of the joint table (B, R * 8) to a strip's own (L * 8 B,), their channels mixed.

    ``bounds`` are where the rows of each kernel begin; ``compat`` (kernels, 1 or 8 B, 8 B) are factors of channels, or
    matrices from filtered to receiving channel.
    """
    blocks = len(table)
    width = LANES * blocks
    for k in range(len(compat)):
        mix = compat[k].reshape(-1)
        for row in range(bounds[k], bounds[k + 1]):
            place = source[row] * LANES
            for c in range(blocks):
                if compat.shape[1] == 1:
                    value = mul(load(table[c], place), load(mix, c * LANES))
                else:
                    value = filled(ZERO)
                    for j in range(width):
                        value = multiply_add(
                            filled(table[j // LANES, place + j % LANES]), load(mix, j * width + c * LANES), value)
                store(own, row * width + c * LANES, value)


@compiled
def _read(own, index, weight, p, c):
    value = filled(ZERO)
    for e in range(index.shape[1]):
        value = multiply_add(filled(weight[p, e]), load(own, index[p, e] + c * LANES), value)
    return value


@compiled
def _splat(own, index, weight, p, c, value):
    for e in range(index.shape[1]):
        place = index[p, e] + c * LANES
        store(own, place, multiply_add(filled(weight[p, e]), value, load(own, place)))


@compiled
def _softmax(logits, blocks):
    top = load(logits, 0)
    for c in range(1, blocks):
        top = maximum(top, load(logits, c * LANES))
    top, sums = filled(largest(top)), filled(ZERO)
    for c in range(blocks):
        value = exp(sub(load(logits, c * LANES), top))
        store(logits, c * LANES, value)
        sums = add(sums, value)
    sums = filled(total(sums))
    for c in range(blocks):
        store(logits, c * LANES, div(load(logits, c * LANES), sums))


@compiled
def splat(rows, channels, index, weight, first, last, own):
    """Splat the rows (P * C,) of a strip into its own table."""
    blocks = (channels + LANES - 1) // LANES
    own[:] = ZERO
    for p in range(first, last):
        for c in range(blocks):
            left = channels - c * LANES
            _splat(own, index, weight, p, c, load_row(rows, p * channels + c * LANES, left, ZERO))


@compiled
def read(own, channels, index, weight, unary, first, last, out):
    """Read the result of a filter, and add ``unary`` if it is not empty: ``out`` (P * C,)."""
    for p in range(first, last):
        for c in range((channels + LANES - 1) // LANES):
            place, left = p * channels + c * LANES, channels - c * LANES
            value = _read(own, index, weight, p, c)
            if len(unary):
                value = add(value, load_row(unary, place, left, ZERO))
            store_row(out, place, left, value, last * channels)


@compiled
def _belief(read_from, unary, channels, index, weight, p, q):
    blocks = (channels + LANES - 1) // LANES
    for c in range(blocks):
        value = load_row(unary, p * channels + c * LANES, channels - c * LANES, LOWEST)
        if len(read_from):
            value = add(_read(read_from, index, weight, p, c), value)
        store(q, c * LANES, value)
    _softmax(q, blocks)


@compiled
def update(read_from, unary, channels, index, out_weight, in_weight, first, last, beliefs, splat_to):
    """One mean-field update of a strip: read the messages (none if empty), add ``unary``, softmax, splat.

    ``beliefs`` (P * C,) gets the probabilities if it is not empty.
    """
    blocks = (channels + LANES - 1) // LANES
    q = np.empty(blocks * LANES, np.float32)
    splat_to[:] = ZERO
    for p in range(first, last):
        _belief(read_from, unary, channels, index, out_weight, p, q)
        for c in range(blocks):
            value = load(q, c * LANES)
            if len(beliefs):
                store_row(beliefs, p * channels + c * LANES, channels - c * LANES, value, last * channels)
            _splat(splat_to, index, in_weight, p, c, value)


@compiled
def update_back(read_from, beliefs, again, unary, channels, index, out_weight, in_weight, first, last, grad,
                splat_to):
    """The adjoint of :func:`update`: read the gradient of the probabilities, pass it through the softmax, splat.

    The probabilities are ``beliefs``, or if that is empty computed as in ``update`` from ``again``. ``grad`` (P * C,)
    is added to.
    """
    blocks = (channels + LANES - 1) // LANES
    q, g = np.empty(blocks * LANES, np.float32), np.empty(blocks * LANES, np.float32)
    splat_to[:] = ZERO
    for p in range(first, last):
        if len(beliefs):
            for c in range(blocks):
                store(q, c * LANES, load_row(beliefs, p * channels + c * LANES, channels - c * LANES, ZERO))
        else:
            _belief(again, unary, channels, index, out_weight, p, q)
        sums = filled(ZERO)
        for c in range(blocks):
            value = mul(_read(read_from, index, in_weight, p, c), load(q, c * LANES))
            sums = add(sums, value)
            store(g, c * LANES, value)
        minus = filled(-total(sums))
        for c in range(blocks):
            place, left = p * channels + c * LANES, channels - c * LANES
            value = multiply_add(load(q, c * LANES), minus, load(g, c * LANES))
            store_row(grad, place, left, add(load_row(grad, place, left, ZERO), value), last * channels)
            _splat(splat_to, index, out_weight, p, c, value)
