"""What the boundary metrics share: reading samples, summing small arrays, mmseg's table."""
from typing import Dict, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from prettytable import PrettyTable


class PerClassMetric(BaseMetric):
    """A metric that boils every image down to a small array and scores the sum over all images, class by class.

    Streams: only the small arrays are kept, and only they travel between GPUs. Subclasses give :meth:`measure` and
    :meth:`scores`.

    Args:
        ignore_index (int): Label of pixels without truth. Defaults to 255.
        collect_device (str): 'cpu' or 'gpu', as in mmengine. Defaults to 'cpu'.
        prefix (str, optional): Put before the names of the scores, as in mmengine.
    """

    def __init__(self, ignore_index: int = 255, collect_device: str = 'cpu', prefix: Optional[str] = None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ignore_index = ignore_index

    def measure(self, truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
        """Counts of one image. Both maps are (H, W), of one small unsigned type, and void where the truth is."""
        raise NotImplementedError

    def scores(self, total: np.ndarray) -> Dict[str, np.ndarray]:
        """Named scores of every class, 0..1, NaN where a class has none, from the sum over images."""
        raise NotImplementedError

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            if 'gt_sem_seg' not in sample:
                raise ValueError(f'{type(self).__name__} compares with the truth, but sample '
                                 f'{sample.get("img_path", "")} has none; add LoadAnnotations to the test pipeline')
            truth, prediction = (
                sample[name]['data'].squeeze(0).cpu().numpy() for name in ('gt_sem_seg', 'pred_sem_seg'))
            if truth.shape != prediction.shape:
                raise ValueError(
                    f'{type(self).__name__} expected truth and prediction of one size, got {truth.shape} and '
                    f'{prediction.shape} for {sample.get("img_path", "a sample")}; put LoadAnnotations after Resize in '
                    'the test pipeline, as in the configs of mmseg, so that labels keep their size')
            if not 0 <= self.ignore_index < 2**16:
                raise ValueError(f'expected ignore_index in 0..65535, got {self.ignore_index}')
            small = np.uint8 if max(num_classes, self.ignore_index) < 256 else np.uint16
            truth = truth.astype(small)
            prediction = np.where(truth == self.ignore_index, truth, prediction.astype(small))
            known = (prediction < num_classes) | (prediction == self.ignore_index)
            labelled = (truth < num_classes) | (truth == self.ignore_index)
            if not (known & labelled).all():
                raise ValueError(f'expected labels below {num_classes} or {self.ignore_index}, got '
                                 f'{sorted({*truth[~labelled].tolist(), *prediction[~known].tolist()})[:5]} in '
                                 f'{sample.get("img_path", "a sample")}; are reduce_zero_label and ignore_index right?')
            self.results.append(self.measure(truth, prediction, num_classes))

    def compute_metrics(self, results: Sequence[np.ndarray]) -> Dict[str, float]:
        scores = self.scores(sum(results))
        table = PrettyTable()
        table.add_column('Class', list(self.dataset_meta['classes']))
        for name, values in scores.items():
            table.add_column(name, np.round(100 * values, 2).tolist())
        logger = MMLogger.get_current_instance()
        print_log('per class results:', logger)
        print_log('\n' + table.get_string(), logger=logger)
        return {self.mean_name(name): round(100 * mean(values), 2) for name, values in scores.items()}

    def mean_name(self, name: str) -> str:
        """Name of the mean over classes of a score; mmseg's habit."""
        return f'm{name}'


def mean(values: np.ndarray) -> float:
    """Mean of those that are not NaN, NaN if there are none."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float('nan')


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Quotient in float64, NaN where the divisor is 0."""
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole != 0)
