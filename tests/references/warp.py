"""Bilinear sampling at displaced positions, one pixel at a time, in Python floats."""
import math

import torch


def warp(x, offset, align_corners, padding_mode):
    """``y(p) = x(s(p + offset(p)))`` by the definition in ``custom_modules/segfusion/ops/warp.py``."""
    n, c, h, w = x.shape
    height, width = offset.shape[2:]
    y = torch.zeros(n, c, height, width, dtype=x.dtype)
    for b in range(n):
        for i in range(height):
            for j in range(width):
                u = source(j + offset[b, 0, i, j].item(), w, width, align_corners)
                v = source(i + offset[b, 1, i, j].item(), h, height, align_corners)
                if padding_mode == 'border':
                    u, v = min(max(u, 0), w - 1), min(max(v, 0), h - 1)
                for row in (math.floor(v), math.floor(v) + 1):
                    for column in (math.floor(u), math.floor(u) + 1):
                        if 0 <= row < h and 0 <= column < w:
                            weight = (1 - abs(u - column)) * (1 - abs(v - row))
                            y[b, :, i, j] += weight * x[b, :, row, column]
    return y


def source(p, size, target, align_corners):
    """Source pixel that target pixel ``p`` reads, along one axis."""
    if align_corners:
        return p * (size - 1) / max(target - 1, 1)
    return (p + 0.5) * size / target - 0.5
