"""Boundary measures by their definitions: one class, one pixel, one neighbour at a time."""
import math

import numpy as np


def eroded(mask, steps):
    """Erosion by a 3x3 square, ``steps`` times; outside the image there is no mask."""
    for _ in range(steps):
        grown = np.pad(mask, 1)
        mask = np.array([[grown[i:i + 3, j:j + 3].all() for j in range(mask.shape[1])] for i in range(mask.shape[0])])
    return mask


def boundary_iou(pairs, num_classes, ignore_index, width):
    """IoU of the inner bands of every class, counted over (truth, prediction) pairs; void is cut out of both."""
    both, either = np.zeros(num_classes), np.zeros(num_classes)
    for truth, prediction in pairs:
        labelled = truth != ignore_index
        for c in range(num_classes):
            bands = [mask & ~eroded(mask, width) for mask in ((truth == c), (prediction == c) & labelled)]
            both[c] += (bands[0] & bands[1]).sum()
            either[c] += (bands[0] | bands[1]).sum()
    return [b / e if e else math.nan for b, e in zip(both, either)]


def near_boundary(truth, ignore_index, width, around='classes'):
    """Pixels less than ``width`` from one with a 4-neighbour of another class (or from void)."""
    height, columns = truth.shape
    edge = []
    for i in range(height):
        for j in range(columns):
            sides = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
            sides = [truth[y, x] for y, x in sides if 0 <= y < height and 0 <= x < columns]
            if around == 'void':
                if truth[i, j] == ignore_index:
                    edge.append((i, j))
            elif truth[i, j] != ignore_index and any(s not in (truth[i, j], ignore_index) for s in sides):
                edge.append((i, j))
    return np.array([[any(math.hypot(i - y, j - x) < width for y, x in edge) for j in range(columns)]
                     for i in range(height)])


def iou(pairs, num_classes):
    """IoU of every class over lists of (true labels, predicted labels)."""
    result = []
    for c in range(num_classes):
        both = sum(((t == c) & (p == c)).sum() for t, p in pairs)
        either = sum(((t == c) | (p == c)).sum() for t, p in pairs)
        result.append(both / either if either else math.nan)
    return result


def boundary_map(mask):
    """DAVIS's one-pixel boundary: a pixel that differs from its right, lower or lower right neighbour in the image."""
    height, width = mask.shape
    result = np.zeros_like(mask, bool)
    for i in range(height):
        for j in range(width):
            others = [(i, j + 1), (i + 1, j), (i + 1, j + 1)]
            result[i, j] = any(mask[i, j] != mask[y, x] for y, x in others if y < height and x < width)
    return result


def boundary_fscore(mask, truth, radius):
    """F of one mask; empty boundaries as in the released code."""
    ours, theirs = (list(zip(*np.nonzero(boundary_map(m)))) for m in (mask, truth))
    if not ours or not theirs:
        return float(not ours and not theirs)

    def share(points, targets):
        return sum(any(math.hypot(i - y, j - x) <= radius + 1e-9 for y, x in targets) for i, j in points) / len(points)

    precision, recall = share(ours, theirs), share(theirs, ours)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.
