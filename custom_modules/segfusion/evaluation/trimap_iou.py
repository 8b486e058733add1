from typing import Dict, Sequence

import numpy as np
from mmseg.registry import METRICS

from .boundaries import class_edges, distance_to_edge
from .per_class import PerClassMetric, ratio


@METRICS.register_module()
class TrimapIoUMetric(PerClassMetric):
    r"""Mean IoU of the pixels near a boundary of the truth, for several widths: the curve of the CRF papers.

    .. math:: IoU_c(w) = IoU_c \text{ of } \{p : \min_{q \in E} |p - q|_2 < w\}

    with :math:`E` the pixels that have a 4-neighbour of another class. Width 1 is these pixels alone, one on either
    side of a boundary; width w is w of them on either side. A width that holds everything gives ``IoUMetric``'s mIoU.

    Papers: `Efficient Inference in Fully Connected CRFs <https://arxiv.org/abs/1210.5644>`_ (accuracy in a trimap,
    after Kohli et al., 2009); `DeepLab <https://arxiv.org/abs/1606.00915>`_ (mean IoU in a trimap).

    Checked against: the definition, pixel by pixel (tests/evaluation/test_trimap_iou.py).

    Differs: no code of either paper's measure is public. VOC outlines its objects with void, and DeepLab's bands are
    around those labels; that is ``around='void'``. Other data sets leave whole regions void, so by default
    boundaries are between labelled pixels, and the edge of a void region is none. Void pixels count nowhere.

    Scores: ``trimap_mIoU_1px`` and so on, in per cent.

    Args:
        widths (Sequence[int]): :math:`w` in pixels. Defaults to (1, 3, 5, 10, 20, 40).
        around (str): 'classes' or 'void'. Defaults to 'classes'.
        **kwargs: Of :class:`PerClassMetric`: ``ignore_index``, ``collect_device``, ``prefix``.

    Raises:
        ValueError: If an argument is out of range, or sizes or labels of a sample do not fit.
    """

    def __init__(self, widths: Sequence[int] = (1, 3, 5, 10, 20, 40), around: str = 'classes', **kwargs):
        super().__init__(**kwargs)
        if not widths or min(widths) <= 0 or list(widths) != sorted(set(widths)):
            raise ValueError(f'expected ascending widths in pixels, above 0, got {tuple(widths)}')
        if around not in ('classes', 'void'):
            raise ValueError(f"expected around='classes' or 'void', got {around!r}")
        self.widths, self.around = tuple(widths), around

    def measure(self, truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
        void = truth == self.ignore_index
        edge = void if self.around == 'void' else class_edges(truth, self.ignore_index)
        distance = distance_to_edge(edge)
        near = (distance < self.widths[-1]) & ~void
        truth, prediction = truth[near], prediction[near]
        # A pixel counts in the first width that holds it, and the sum below carries it on to the wider ones.
        row = np.searchsorted(self.widths, distance[near], side='right') * num_classes
        right = truth == prediction
        cells = ((row + truth)[right], row + truth, row + prediction)
        size = len(self.widths) * num_classes
        counts = np.stack([np.bincount(x, minlength=size) for x in cells])
        return counts.reshape(3, len(self.widths), num_classes).cumsum(1)

    def scores(self, total: np.ndarray) -> Dict[str, np.ndarray]:
        both, true, predicted = total
        return {f'IoU_{width}px': iou for width, iou in zip(self.widths, ratio(both, true + predicted - both))}

    def mean_name(self, name: str) -> str:
        return f'trimap_m{name}'
