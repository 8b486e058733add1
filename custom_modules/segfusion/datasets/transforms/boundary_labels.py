"""Edge labels from class labels."""
import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


def class_boundaries(labels: np.ndarray, num_classes: int, radius: float = 2, skip_first: bool = False) -> np.ndarray:
    """Pixels within ``radius`` of the border of the mask of a class, on both of its sides.

    A pixel is on it if its distance (Euclidean, in pixels) to the nearest pixel on the other side of the border of one
    class's mask is at most ``radius``. Outside the image, and where a label is none of the classes, no class is.

    Args:
        labels: (H, W), integers.
        num_classes: Labels 0 to ``num_classes`` - 1 are classes.
        radius: In pixels.
        skip_first: Whether class 0 has no border of its own.

    Returns:
        (H, W) uint8, 0 or 1.
    """
    reach = int(radius)
    squared = np.add.outer(np.arange(-reach, reach + 1)**2, np.arange(-reach, reach + 1)**2)
    disc = (squared <= radius**2 + 1e-9).astype(np.uint8)
    found = np.zeros(labels.shape, bool)
    for c in np.unique(labels):
        if not (1 if skip_first else 0) <= c < num_classes:
            continue
        mask = np.pad((labels == c).astype(np.uint8), max(reach, 1))
        near = cv2.dilate(mask, disc) & cv2.dilate(1 - mask, disc)
        found |= near[max(reach, 1):-max(reach, 1), max(reach, 1):-max(reach, 1)] > 0
    return found.astype(np.uint8)


@TRANSFORMS.register_module()
class BoundaryLabels(BaseTransform):
    """Add ``gt_edge_map``: 1 within ``radius`` pixels of the border of a class, else 0. Put it before the packing.

    The frame of the image and the edge of ignored areas are borders too. mmseg's ``GenerateEdge`` makes another map:
    the Canny edges of the label values.

    Paper: `Gated-SCNN <https://arxiv.org/abs/1907.05740>`_.
    Checked against: nv-tlabs/GSCNN, edd16c5d, by its output.
    Differs: the release goes through labels 1 to C, so that class 0 (road) has no border of its own, where it meets
    the frame or ignored areas; ``skip_first=True`` does that.

    Args:
        num_classes (int): Number of classes; other labels belong to none.
        radius (float): In pixels. Defaults to 2.
        skip_first (bool): Defaults to False.

    Raises:
        ValueError: If ``radius`` is below 1.
    """

    def __init__(self, num_classes: int, radius: float = 2, skip_first: bool = False) -> None:
        if radius < 1:
            raise ValueError(f'expected a radius of at least 1 pixel, got {radius}')
        self.num_classes, self.radius, self.skip_first = num_classes, radius, skip_first

    def transform(self, results: dict) -> dict:
        results['gt_edge_map'] = class_boundaries(results['gt_seg_map'], self.num_classes, self.radius,
                                                  self.skip_first)
        return results

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(num_classes={self.num_classes}, radius={self.radius}, '
                f'skip_first={self.skip_first})')
