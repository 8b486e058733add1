from typing import Dict, Sequence

import numpy as np
from mmseg.registry import METRICS

from .boundaries import boundary_points, matches_within
from .per_class import PerClassMetric, ratio


@METRICS.register_module()
class BoundaryFScoreMetric(PerClassMetric):
    r"""F-score of boundary pixels that have a counterpart within a few pixels (DAVIS's F, as Gated-SCNN uses it).

    .. math::
        F = \frac{2 P R}{P + R}, \quad
        P = \frac{|B_P \cap (B_G \oplus disc_r)|}{|B_P|}, \quad R = \frac{|B_G \cap (B_P \oplus disc_r)|}{|B_G|}

    with :math:`B_G, B_P` the one-pixel boundaries of a class's mask in truth and prediction. F is computed for every
    class of every image, then averaged over images, then over classes.

    Papers: `A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation
    <https://openaccess.thecvf.com/content_cvpr_2016/html/Perazzi_A_Benchmark_Dataset_CVPR_2016_paper.html>`_;
    `Gated-SCNN <https://arxiv.org/abs/1907.05740>`_ (thresholds 3, 5, 9, 12 pixels on Cityscapes).

    Checked against: nv-tlabs/GSCNN, utils/f_boundary.py, commit 3acff786: boundary map, discs, precision and recall
    (tests/evaluation/test_boundary_fscore.py has their slow form).

    Differs: nothing known, with the default ``count_absent=True``. The released code gives F = 1 to a class that has no
    boundary in truth and prediction, so a class seen in one image of ten has at least 90 %. That makes published
    figures as high as they are; ``count_absent=False`` averages over the images where a class has a boundary in
    either map. As released, void is cut out of both maps, and its edge is a boundary of both.

    Scores: ``mBF_3px`` and so on, in per cent.

    Args:
        thresholds (Sequence[float]): :math:`r` in pixels; below 1, a fraction of the image's diagonal, rounded up, as
            in DAVIS (0.008). Defaults to (3, 5, 9, 12).
        count_absent (bool): See above. Defaults to True.
        **kwargs: Of :class:`PerClassMetric`: ``ignore_index``, ``collect_device``, ``prefix``.

    Raises:
        ValueError: If thresholds are not positive and ascending, or sizes or labels of a sample do not fit.
    """

    def __init__(self, thresholds: Sequence[float] = (3, 5, 9, 12), count_absent: bool = True, **kwargs):
        super().__init__(**kwargs)
        if not thresholds or min(thresholds) <= 0 or list(thresholds) != sorted(set(thresholds)):
            raise ValueError(f'expected ascending thresholds above 0, got {tuple(thresholds)}')
        self.thresholds, self.count_absent = tuple(thresholds), count_absent

    def radii(self, height: int, width: int) -> Sequence[float]:
        """The thresholds for an image, in pixels."""
        return [r if r >= 1 else np.ceil(r * np.hypot(height, width)) for r in self.thresholds]

    def measure(self, truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
        radii = self.radii(*truth.shape)
        maps = [boundary_points(x, self.ignore_index) for x in (truth, prediction)]
        sizes, hits = [], []
        for query, target in (maps, maps[::-1]):
            first = matches_within(query, target, truth.shape, radii)
            cell = first * num_classes + query[0]
            hits.append(np.bincount(cell, minlength=(len(radii) + 1) * num_classes).reshape(-1, num_classes).cumsum(0))
            sizes.append(hits[-1][-1])
        # recall of an empty truth and precision of an empty prediction are 1: they missed and claimed nothing
        recall, precision = (np.nan_to_num(ratio(hit[:-1], np.broadcast_to(size, hit[:-1].shape)), nan=1.)
                             for hit, size in zip(hits, sizes))
        score = np.nan_to_num(ratio(2 * precision * recall, precision + recall))  # (thresholds, classes)
        counted = np.ones(num_classes) if self.count_absent else (sizes[0] + sizes[1] > 0).astype(float)
        return np.concatenate([score * counted, counted[None]])

    def scores(self, total: np.ndarray) -> Dict[str, np.ndarray]:
        *sums, images = total
        return {f'BF_{r}px' if r >= 1 else f'BF_{r}': ratio(s, images) for r, s in zip(self.thresholds, sums)}
