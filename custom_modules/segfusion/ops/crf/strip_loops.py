"""The loops of :mod:`.strips`, compiled by Numba on first use and kept on disk. They hold no lock of Python.

Legend: P pixels, D corners of a simplex (of all kernels together: n), C channels in B = ceil(C / 8) blocks of eight,
L rows of the strips' own tables, R rows of the joint tables. Arrays of floats that vectors are loaded from are flat.
"""
import numpy as np
from numba import njit

from .vectors import (
    LANES,
    add,
    at,
    choose,
    exp,
    filled,
    largest,
    load,
    maximum,
    mul,
    multiply_add,
    spread,
    store,
    sub,
    total,
)

BATCH = 32  # points updated at a time: their chains of operations overlap, and they stay in the L1 cache
LOWEST = np.float32(-1e30)  # logit of the channels that fill up a block: its exponential is 0
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)

compiled = njit(nogil=True, cache=True)


@compiled
def join(values, shift, factor, first, last, column, out):
    for p in range(first, last):
        for e in range(values.shape[1]):
            out[p, column + e] = (values[p, e] + shift) * factor


@compiled
def rows_of_planes(planes, first, last, out):
    """Planes (C, P) to rows (P, C), for the points ``first`` to ``last``."""
    for start in range(first, last, 8 * BATCH):
        for c in range(len(planes)):
            for p in range(start, min(start + 8 * BATCH, last)):
                out[p, c] = planes[c, p]


@compiled
def sum_and_blur(strips, channels, block, order, offset, neighbour, blurs, reverse, rows, table, other, first):
    """Sum the strips' tables over strips, and blur: ``LANES`` channels of one kernel.

    ``strips`` is (L * 8 B,); ``table`` (B, R * 8) gets the result from row ``first`` on, ``rows`` the sums if it is not
    empty. ``other`` is room like ``table``.
    """
    axes, count, width = len(neighbour), len(offset) - 1, LANES * channels
    part = slice(first * LANES, (first + count) * LANES)
    one, two = table[block, part], other[block, part]
    if axes * blurs % 2:
        one, two = two, one  # so that the last pass writes to table
    for v in range(count):
        value = filled(ZERO)
        for e in range(offset[v], offset[v + 1]):
            value = add(value, load(strips, order[e] * width + block * LANES))
        store(one, v * LANES, value)
    if len(rows):
        rows[block, part] = one
    half = filled(HALF)
    for i in range(axes):
        axis = neighbour[axes - 1 - i if reverse else i]
        for _ in range(blurs):
            for v in range(count):
                value = multiply_add(half, load(one, axis[v, 1] * LANES), load(one, v * LANES))
                store(two, v * LANES, multiply_add(half, load(one, axis[v, 2] * LANES), value))
            one, two = two, one


@compiled
def fetch(table, source, bounds, compat, own):
    """Rows ``source`` of the joint table (B, R * 8) to a strip's own (L * 8 B,), their channels mixed.

    ``bounds`` are where the rows of each kernel begin; ``compat`` (kernels, 1 or 8 B, 8 B) are factors of channels,
    or matrices from filtered to receiving channel.
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


# The functions below take a few rows at a time: a call costs more than a row.


@compiled
def _read(own, index, weight, first, points, corners, blocks, out):
    """What points read of a strip's table: (points * 8 B,). Three sums at a time, in registers."""
    for i in range(points):
        begin, place, c = (first + i) * corners, i * blocks * LANES, 0
        while blocks - c >= 3:
            one = two = three = filled(ZERO)
            for e in range(begin, begin + corners):
                share, row = spread(weight, e), at(index, e) + c * LANES
                one = multiply_add(share, load(own, row), one)
                two = multiply_add(share, load(own, row + LANES), two)
                three = multiply_add(share, load(own, row + 2 * LANES), three)
            store(out, place + c * LANES, one)
            store(out, place + (c + 1) * LANES, two)
            store(out, place + (c + 2) * LANES, three)
            c += 3
        if blocks - c == 2:
            one = two = filled(ZERO)
            for e in range(begin, begin + corners):
                share, row = spread(weight, e), at(index, e) + c * LANES
                one = multiply_add(share, load(own, row), one)
                two = multiply_add(share, load(own, row + LANES), two)
            store(out, place + c * LANES, one)
            store(out, place + (c + 1) * LANES, two)
        elif blocks - c == 1:
            one = filled(ZERO)
            for e in range(begin, begin + corners):
                one = multiply_add(spread(weight, e), load(own, at(index, e) + c * LANES), one)
            store(out, place + c * LANES, one)


@compiled
def _splat(own, index, weight, first, points, corners, blocks, values):
    """Add the values of points (points * 8 B,) to the vertices of a strip's table."""
    for i in range(points):
        begin, place, c = (first + i) * corners, i * blocks * LANES, 0
        while blocks - c >= 3:
            one, two = load(values, place + c * LANES), load(values, place + (c + 1) * LANES)
            three = load(values, place + (c + 2) * LANES)
            for e in range(begin, begin + corners):
                share, row = spread(weight, e), at(index, e) + c * LANES
                store(own, row, multiply_add(share, one, load(own, row)))
                store(own, row + LANES, multiply_add(share, two, load(own, row + LANES)))
                store(own, row + 2 * LANES, multiply_add(share, three, load(own, row + 2 * LANES)))
            c += 3
        if blocks - c == 2:
            one, two = load(values, place + c * LANES), load(values, place + (c + 1) * LANES)
            for e in range(begin, begin + corners):
                share, row = spread(weight, e), at(index, e) + c * LANES
                store(own, row, multiply_add(share, one, load(own, row)))
                store(own, row + LANES, multiply_add(share, two, load(own, row + LANES)))
        elif blocks - c == 1:
            one = load(values, place + c * LANES)
            for e in range(begin, begin + corners):
                row = at(index, e) + c * LANES
                store(own, row, multiply_add(spread(weight, e), one, load(own, row)))


@compiled
def _add_rows(rows, channels, first, points, rest, blocks, values):
    """Add rows (P * C,) to ``values`` (points * 8 B,), and ``rest`` in the lanes beyond."""
    width, fill = blocks * LANES, filled(rest)
    for i in range(points):
        begin, place = (first + i) * channels, i * width
        if begin + width <= len(rows):
            for c in range(0, width, LANES):
                value = load(rows, begin + c)
                if channels - c < LANES:
                    value = choose(channels - c, value, fill)
                store(values, place + c, add(load(values, place + c), value))
        else:
            for c in range(width):
                values[place + c] += rows[begin + c] if c < channels else rest


@compiled
def _store_rows(values, blocks, channels, first, points, last, rows):
    """``values`` (points * 8 B,) to rows (P * C,); row ``last`` and what follows is not touched."""
    width = blocks * LANES
    for i in range(points):
        begin, place = (first + i) * channels, i * width
        if begin + width <= last * channels:
            for c in range(0, width, LANES):
                value = load(values, place + c)
                if channels - c < LANES:
                    value = choose(channels - c, value, load(rows, begin + c))
                store(rows, begin + c, value)
        else:
            for c in range(channels):
                rows[begin + c] = values[place + c]


@compiled
def _softmax(logits, points, blocks):
    width = blocks * LANES
    for place in range(0, points * width, width):
        top = load(logits, place)
        for c in range(place + LANES, place + width, LANES):
            top = maximum(top, load(logits, c))
        top, sums = filled(largest(top)), filled(ZERO)
        for c in range(place, place + width, LANES):
            value = exp(sub(load(logits, c), top))
            store(logits, c, value)
            sums = add(sums, value)
        factor = filled(ONE / total(sums))
        for c in range(place, place + width, LANES):
            store(logits, c, mul(load(logits, c), factor))


@compiled
def _softmax_back(q, points, blocks, grad):
    """``grad`` becomes q (grad - <q, grad>)."""
    width = blocks * LANES
    for place in range(0, points * width, width):
        sums = filled(ZERO)
        for c in range(place, place + width, LANES):
            value = mul(load(grad, c), load(q, c))
            sums = add(sums, value)
            store(grad, c, value)
        minus = filled(-total(sums))
        for c in range(place, place + width, LANES):
            store(grad, c, multiply_add(load(q, c), minus, load(grad, c)))


@compiled
def _beliefs(own, unary, channels, index, weight, corners, first, points, blocks, q):
    """Probabilities of points: of ``unary`` plus what is read of ``own``, if that is not empty."""
    if len(own):
        _read(own, index, weight, first, points, corners, blocks, q)
    else:
        q[:] = ZERO
    _add_rows(unary, channels, first, points, LOWEST, blocks, q)
    _softmax(q, points, blocks)


@compiled
def splat(rows, channels, index, weight, corners, first, last, own):
    """Splat the rows (P * C,) of a strip into its own table."""
    blocks = (channels + LANES - 1) // LANES
    values = np.empty(BATCH * blocks * LANES, np.float32)
    own[:] = ZERO
    for start in range(first, last, BATCH):
        points = min(BATCH, last - start)
        values[:] = ZERO
        _add_rows(rows, channels, start, points, ZERO, blocks, values)
        _splat(own, index, weight, start, points, corners, blocks, values)


@compiled
def read(own, channels, index, weight, corners, unary, first, last, out):
    """Read the result of a filter, and add ``unary`` if it is not empty: ``out`` (P * C,)."""
    blocks = (channels + LANES - 1) // LANES
    values = np.empty(BATCH * blocks * LANES, np.float32)
    for start in range(first, last, BATCH):
        points = min(BATCH, last - start)
        _read(own, index, weight, start, points, corners, blocks, values)
        if len(unary):
            _add_rows(unary, channels, start, points, ZERO, blocks, values)
        _store_rows(values, blocks, channels, start, points, last, out)


@compiled
def update(read_from, unary, channels, index, out_weight, in_weight, corners, first, last, beliefs, splat_to):
    """One mean-field update of a strip: read the messages (none if empty), add ``unary``, softmax, splat.

    ``beliefs`` (P * C,) gets the probabilities if it is not empty.
    """
    blocks = (channels + LANES - 1) // LANES
    q = np.empty(BATCH * blocks * LANES, np.float32)
    splat_to[:] = ZERO
    for start in range(first, last, BATCH):
        points = min(BATCH, last - start)
        _beliefs(read_from, unary, channels, index, out_weight, corners, start, points, blocks, q)
        if len(beliefs):
            _store_rows(q, blocks, channels, start, points, last, beliefs)
        _splat(splat_to, index, in_weight, start, points, corners, blocks, q)


@compiled
def update_back(read_from, beliefs, again, unary, channels, index, out_weight, in_weight, corners, first, last, grad,
                splat_to):
    """The adjoint of :func:`update`: read the gradient of the probabilities, pass it through the softmax, splat.

    The probabilities are ``beliefs``, or if that is empty computed as in ``update`` from ``again``. ``grad`` (P * C,)
    is added to.
    """
    blocks = (channels + LANES - 1) // LANES
    q, g = np.empty(BATCH * blocks * LANES, np.float32), np.empty(BATCH * blocks * LANES, np.float32)
    splat_to[:] = ZERO
    for start in range(first, last, BATCH):
        points = min(BATCH, last - start)
        if len(beliefs):
            q[:] = ZERO
            _add_rows(beliefs, channels, start, points, ZERO, blocks, q)
        else:
            _beliefs(again, unary, channels, index, out_weight, corners, start, points, blocks, q)
        _read(read_from, index, in_weight, start, points, corners, blocks, g)
        _softmax_back(q, points, blocks, g)
        _splat(splat_to, index, out_weight, start, points, corners, blocks, g)
        _add_rows(grad, channels, start, points, ZERO, blocks, g)
        _store_rows(g, blocks, channels, start, points, last, grad)
