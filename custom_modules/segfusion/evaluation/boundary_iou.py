from typing import Dict, Optional

import numpy as np
from mmseg.registry import METRICS

from .boundaries import distance_to_other_label
from .per_class import PerClassMetric, ratio


@METRICS.register_module()
class BoundaryIoUMetric(PerClassMetric):
    r"""IoU of the inner bands along the boundaries of two masks.

    .. math:: BIoU_c = \frac{|(G_d \cap G) \cap (P_d \cap P)|}{|(G_d \cap G) \cup (P_d \cap P)|}

    with :math:`G, P` the masks of class c in truth and prediction, and :math:`G_d \cap G` the pixels of the mask at
    most :math:`d` from its contour: what d erosions by a 3x3 square take away. The image's border is part of the
    contour. Pixels of all images are counted together, as IoU is in semantic segmentation.

    Paper: `Boundary IoU: Improving Object-Centric Image Segmentation Evaluation <https://arxiv.org/abs/2103.16562>`_.

    Checked against: bowenc0221/boundary-iou-api, boundary_iou/utils/boundary_utils.py ``mask_to_boundary``, commit
    8006aa98, class by class (tests/evaluation/test_boundary_iou.py).

    Differs: the paper scores instances; this is its measure for the masks of classes. Void is cut out of both maps
    first: its pixels count nowhere, and its edge is a contour of both.

    Scores: ``mBIoU`` in per cent.

    Args:
        dilation_ratio (float): :math:`d` as a fraction of the image's diagonal, rounded, at least one pixel. Defaults
            to 0.02: 12 pixels for 360x480, 46 for 1024x2048.
        pixels (int, optional): :math:`d` in pixels instead. Defaults to None.
        **kwargs: Of :class:`PerClassMetric`: ``ignore_index``, ``collect_device``, ``prefix``.

    Raises:
        ValueError: If the width is not positive, or sizes or labels of a sample do not fit.
    """

    def __init__(self, dilation_ratio: float = 0.02, pixels: Optional[int] = None, **kwargs):
        super().__init__(**kwargs)
        if dilation_ratio <= 0 or (pixels is not None and pixels < 1):
            raise ValueError(f'expected dilation_ratio > 0 and pixels >= 1 (or None), got {dilation_ratio}, {pixels}')
        self.dilation_ratio, self.pixels = dilation_ratio, pixels

    def width(self, height: int, width: int) -> int:
        """:math:`d` for an image, in pixels."""
        return self.pixels or max(int(round(self.dilation_ratio * np.hypot(height, width))), 1)

    def measure(self, truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
        width, labelled = self.width(*truth.shape), truth != self.ignore_index
        true_band = (distance_to_other_label(truth) <= width) & labelled
        band = (distance_to_other_label(prediction) <= width) & labelled
        counted = (truth[true_band & band & (truth == prediction)], truth[true_band], prediction[band])
        return np.stack([np.bincount(x, minlength=num_classes) for x in counted])  # (3, classes)

    def scores(self, total: np.ndarray) -> Dict[str, np.ndarray]:
        both, true, predicted = total
        return dict(BIoU=ratio(both, true + predicted - both))
