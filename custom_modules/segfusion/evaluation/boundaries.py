"""Boundaries of label maps, for all classes at once.

A label map is cut into classes, so what is asked of every class's mask can be asked of the map: one pass or one
distance transform an image, whatever the number of classes.
"""
from typing import Sequence, Tuple

import cv2
import numpy as np

LOOKUP = 700  # pixels that a dilation passes over while one is looked up


def distance_to_other_label(labels: np.ndarray) -> np.ndarray:
    r"""Chessboard distance of every pixel to the nearest one with another label; outside the image is another label.

    Erosion of each class's mask by a square of half width d keeps the pixels whose distance is more than d. The next
    pixel of another label is one step from the last pixel of this label, so one distance transform to all pixels with a
    neighbour of another label gives the distance less one.

    Args:
        labels: (H, W), uint8 or uint16.

    Returns:
        (H, W) float32, 1 for a pixel that touches another label.
    """
    padded = cv2.copyMakeBorder(labels, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    square = np.ones((3, 3), np.uint8)
    inside = (cv2.dilate(padded, square) == cv2.erode(padded, square))[1:-1, 1:-1]
    inside[[0, -1]] = False
    inside[:, [0, -1]] = False
    return cv2.distanceTransform(np.ascontiguousarray(inside, np.uint8), cv2.DIST_C, 3) + 1


def distance_to_edge(edge: np.ndarray) -> np.ndarray:
    """Euclidean distance to the nearest true pixel, (H, W) float32; infinite if there is none."""
    if not edge.any():
        return np.full(edge.shape, np.inf, np.float32)
    return cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def class_edges(labels: np.ndarray, ignore_index: int) -> np.ndarray:
    """Pixels with a neighbour above, below, left or right of another class; both have to be labelled. (H, W) bool."""
    edge, labelled = np.zeros(labels.shape, bool), labels != ignore_index
    for one, other in (np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]):
        meet = (labels[one] != labels[other]) & labelled[one] & labelled[other]
        edge[one] |= meet
        edge[other] |= meet
    return edge


def boundary_points(labels: np.ndarray, ignore_index: int) -> Tuple[np.ndarray, np.ndarray]:
    """Boundary pixels of every class's mask in DAVIS's sense.

    A pixel is on the boundary of a class if that class is among itself and its neighbours to the right, below and
    diagonally below, and not alone there. Neighbours outside the image do not count.

    Returns:
        Classes (n,) and flat positions (n,) in the map; a pixel appears once for each class that meets there.
    """
    height, width = labels.shape
    padded = np.pad(labels, ((0, 1), (0, 1)), 'edge')
    here, right, below, across = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    position = np.flatnonzero((here != right) | (here != below) | (here != across))
    start = position + position // width  # in the padded map, one column wider
    flat = padded.ravel()
    four = np.stack([flat[start + step] for step in (0, 1, width + 1, width + 2)])  # (4, n)
    fresh = four != ignore_index
    for k in range(1, 4):
        fresh[k] &= (four[:k] != four[k]).all(0)
    return four[fresh], np.broadcast_to(position, four.shape)[fresh]


def matches_within(query: Tuple[np.ndarray, np.ndarray], target: Tuple[np.ndarray, np.ndarray], shape: Tuple[int, int],
                   radii: Sequence[float]) -> np.ndarray:
    """The first of ``radii`` (ascending, in pixels) within which a point of the same class lies; their number if none.

    Args:
        query, target: Classes and flat positions, see :func:`boundary_points`.
        shape: Height and width of the map.

    Returns:
        (n,) integers, one for each query point.
    """
    found = np.full(len(query[0]), len(radii))
    row, column = np.divmod(query[1], shape[1])
    target_row, target_column = np.divmod(target[1], shape[1])
    reach = int(max(radii))
    for c in np.unique(query[0]):
        given, left = np.flatnonzero(target[0] == c), np.flatnonzero(query[0] == c)
        if not len(given):
            continue
        # A map of this class's targets, just large enough to look up to `reach` around its queries.
        top, first = row[left].min() - reach, column[left].min() - reach
        size = row[left].max() + reach + 1 - top, column[left].max() + reach + 1 - first
        y, x = target_row[given] - top, target_column[given] - first
        inside = (y >= 0) & (y < size[0]) & (x >= 0) & (x < size[1])
        targets = np.zeros(size, np.uint8)
        targets[y[inside], x[inside]] = 1
        place = (row[left] - top) * size[1] + column[left] - first
        smaller = -1.
        for k, radius in enumerate(radii):
            hit = _look(targets, place, radius, smaller)
            found[left[hit]] = k
            left, place, smaller = left[~hit], place[~hit], radius
            if not len(left):
                break
    return found


def _look(targets: np.ndarray, place: np.ndarray, radius: float, smaller: float) -> np.ndarray:
    """Whether a target lies within ``radius`` of each place, knowing that none lies within ``smaller``."""
    reach = int(radius)
    squared = np.add.outer(np.arange(-reach, reach + 1)**2, np.arange(-reach, reach + 1)**2)
    disc = squared <= radius**2 + 1e-9
    if len(place) * LOOKUP > targets.size:
        return cv2.dilate(targets, disc.astype(np.uint8)).ravel()[place] > 0
    ring = np.argwhere(disc & (squared > smaller * abs(smaller) + 1e-9)) - reach
    return targets.ravel()[place[:, None] + ring @ [targets.shape[1], 1]].any(1)
