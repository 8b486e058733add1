import numpy as np
import pytest

from segfusion.evaluation import BoundaryIoUMetric
from segfusion.evaluation.boundaries import distance_to_other_label
from tests.evaluation.samples import CLASSES, evaluate, metric, pairs
from tests.references import boundaries as slow


def test_typed_out_grid():
    """A 4x4 square in a 6x8 image, d = 1. The prediction is the square moved right by one."""
    truth, prediction = np.zeros((6, 8), int), np.zeros((6, 8), int)
    truth[1:5, 1:5] = 1
    prediction[1:5, 2:6] = 1
    distance = distance_to_other_label(truth.astype(np.uint8))
    assert distance.tolist() == [
        [1, 1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 2, 1],
        [1, 1, 2, 2, 1, 1, 2, 1],
        [1, 1, 2, 2, 1, 1, 2, 1],
        [1, 1, 1, 1, 1, 1, 2, 1],
        [1, 1, 1, 1, 1, 1, 1, 1],
    ]
    # square: rings of 12 pixels each, 6 of them common: 6 / 18
    # ground: 28 pixels (32 but those at distance 2) and 32, common 24: 24 / 36
    built = metric('BoundaryIoUMetric', ('ground', 'square'), pixels=1)
    counts = built.measure(truth.astype(np.uint8), prediction.astype(np.uint8), 2)
    assert counts.tolist() == [[24, 6], [28, 12], [32, 12]]
    assert evaluate('BoundaryIoUMetric', [(truth, prediction)], ('ground', 'square'), pixels=1) == dict(mBIoU=50.)


@pytest.mark.parametrize('width', [1, 2, 5])
def test_equals_eroding_every_class(width):
    couples = pairs([(17, 23), (20, 12), (9, 31)])
    scores = evaluate('BoundaryIoUMetric', couples, pixels=width)
    expected = slow.boundary_iou(couples, len(CLASSES), 255, width)
    assert np.isnan(expected[4]) and scores['mBIoU'] == round(100 * np.nanmean(expected), 2)
    built = metric('BoundaryIoUMetric', pixels=width)
    total = sum(built.measure(*cut(*couple), 5) for couple in couples)
    np.testing.assert_allclose(built.scores(total)['BIoU'], expected, rtol=1e-12)


def cut(truth, prediction):
    return truth.astype(np.uint8), np.where(truth == 255, 255, prediction).astype(np.uint8)


def test_a_wide_band_is_iou():
    couples = pairs([(17, 23), (20, 12)], void=False)
    wide = evaluate('BoundaryIoUMetric', couples, pixels=40)['mBIoU']
    assert wide == evaluate('IoUMetric', couples)['mIoU']


def test_width_follows_the_diagonal():
    default = BoundaryIoUMetric()
    assert default.width(360, 480) == 12 and default.width(1024, 2048) == 46 and default.width(1, 1) == 1
    assert BoundaryIoUMetric(pixels=3).width(360, 480) == 3
    with pytest.raises(ValueError, match='dilation_ratio > 0'):
        BoundaryIoUMetric(dilation_ratio=0)
