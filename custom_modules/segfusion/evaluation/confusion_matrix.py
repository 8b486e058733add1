from typing import Dict, Optional, Sequence

import numpy as np
from mmseg.registry import METRICS

from .per_class import PerClassMetric, ratio


@METRICS.register_module()
class ConfusionMatrixMetric(PerClassMetric):
    r"""Which class is taken for which: :math:`n_{ij}`, the pixels of class i predicted as j.

    .. math:: Recall_i = \frac{n_{ii}}{\sum_j n_{ij}}, \quad Precision_i = \frac{n_{ii}}{\sum_j n_{ji}}

    Scores ``mRecall`` and ``mPrecision``, in per cent; the matrix of the last evaluation stays in ``matrix``. Pixels
    without truth are left out. ``tools/confusion_matrix.py`` draws it.

    Args: those of :class:`.per_class.PerClassMetric`.
    """

    matrix: Optional[np.ndarray] = None  # (K, K), int64

    def measure(self, truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
        seen = truth != self.ignore_index
        pairs = truth[seen].astype(np.int64) * num_classes + prediction[seen]
        return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)

    def scores(self, total: np.ndarray) -> Dict[str, np.ndarray]:
        right = total.diagonal()
        return dict(Recall=ratio(right, total.sum(1)), Precision=ratio(right, total.sum(0)))

    def compute_metrics(self, results: Sequence[np.ndarray]) -> Dict[str, float]:
        self.matrix = sum(results)
        return super().compute_metrics(results)
