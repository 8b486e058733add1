import numpy as np
import pytest

from tests.evaluation.samples import evaluate

WORKED = [[43, 5, 2], [2, 45, 3], [0, 1, 49]]  # rows are the truth: TP 43, 45, 49; FN 7, 5, 1; FP 2, 6, 5


def maps(confusion):
    cells = [(i, j) for i, row in enumerate(confusion) for j, n in enumerate(row) for _ in range(n)]
    truth, prediction = np.array(cells).T
    return truth[None], prediction[None]


def test_the_surveys_worked_example():
    iou = np.array([43 / 52, 45 / 56, 49 / 55])
    assert np.round(100 * iou, 2).tolist() == [82.69, 80.36, 89.09]
    scores = evaluate('FrequencyWeightedIoUMetric', [maps(WORKED)], ('a', 'b', 'c'))
    assert scores == pytest.approx(dict(aAcc=91.33, mAcc=91.33, mIoU=84.05, fwIoU=84.05))


def test_frequencies_weigh():
    """90 pixels of a class with IoU 80/95, 10 of one with 5/20; one class does not occur."""
    scores = evaluate('FrequencyWeightedIoUMetric', [maps([[80, 10, 0], [5, 5, 0], [0, 0, 0]])], ('a', 'b', 'c'))
    assert scores['fwIoU'] == round(100 * (0.9 * 80 / 95 + 0.1 * 5 / 20), 2)
    assert scores['mIoU'] == round(100 * (80 / 95 + 5 / 20) / 2, 2)
