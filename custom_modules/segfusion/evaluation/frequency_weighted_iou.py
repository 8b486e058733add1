from typing import Dict, Sequence

from mmseg.evaluation.metrics import IoUMetric
from mmseg.registry import METRICS


@METRICS.register_module()
class FrequencyWeightedIoUMetric(IoUMetric):
    r"""mmseg's ``IoUMetric`` and the fourth quantity of the surveys, frequency-weighted IoU.

    .. math::
        aAcc = \frac{\sum_i n_{ii}}{\sum_i t_i}, \quad mAcc = \frac1K \sum_i \frac{n_{ii}}{t_i}, \quad
        mIoU = \frac1K \sum_i \frac{n_{ii}}{t_i + \sum_j n_{ji} - n_{ii}}, \quad
        fwIoU = \frac{1}{\sum_k t_k} \sum_i \frac{t_i\, n_{ii}}{t_i + \sum_j n_{ji} - n_{ii}}

    with :math:`n_{ij}` the pixels of class i predicted as j and :math:`t_i = \sum_j n_{ij}`.

    Paper: `Fully Convolutional Networks for Semantic Segmentation <https://arxiv.org/abs/1411.4038>`_, Sec. 5.

    Scores: those of ``IoUMetric`` and ``fwIoU``, in per cent. Args: those of ``IoUMetric``.
    """

    def compute_metrics(self, results: Sequence[tuple]) -> Dict[str, float]:
        metrics = super().compute_metrics(results)
        if not self.format_only:
            both, union, _, true = (sum(part.double() for part in parts) for parts in zip(*results))
            seen = true > 0  # the others have no weight
            weighted = (true[seen] * both[seen] / union[seen]).sum() / true.sum()
            metrics['fwIoU'] = round(100 * weighted.item(), 2)
        return metrics
