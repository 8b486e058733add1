import numpy as np
import pytest

from segfusion.evaluation import TrimapIoUMetric
from tests.evaluation.samples import CLASSES, evaluate, metric, pairs
from tests.references import boundaries as slow


def test_typed_out_row():
    """One row, boundary between columns 3 and 4; the prediction is one column late and has a far error."""
    truth = np.array([[0, 0, 0, 0, 1, 1, 1, 1, 255, 255]])
    prediction = np.array([[1, 0, 0, 0, 0, 1, 1, 1, 0, 0]])
    scores = evaluate('TrimapIoUMetric', [(truth, prediction)], ('a', 'b'), widths=(1, 2, 4, 9))
    # width 1: columns 3, 4: a 1/2, b 0/1. width 2: columns 2..5: a 2/3, b 1/2. width 4: columns 0..7: a 3/5, b 3/5.
    assert scores == dict(
        trimap_mIoU_1px=25., trimap_mIoU_2px=58.33, trimap_mIoU_4px=60., trimap_mIoU_9px=60.)


@pytest.mark.parametrize('around', ['classes', 'void'])
def test_equals_asking_every_pixel(around):
    couples = pairs([(17, 23), (20, 12)])
    widths = (1, 2, 3.5, 6)
    built = metric('TrimapIoUMetric', widths=widths, around=around)
    total = sum(built.measure(t.astype(np.uint8), np.where(t == 255, 255, p).astype(np.uint8), 5) for t, p in couples)
    for width, iou in zip(widths, built.scores(total).values()):
        parts = []
        for truth, prediction in couples:
            band = slow.near_boundary(truth, 255, width, around) & (truth != 255)
            parts.append((truth[band], prediction[band]))
        np.testing.assert_allclose(iou, slow.iou(parts, len(CLASSES)), rtol=1e-12)


def test_a_wide_band_is_miou():
    couples = pairs([(17, 23), (20, 12)])
    assert evaluate('TrimapIoUMetric', couples, widths=(50,))['trimap_mIoU_50px'] == evaluate('IoUMetric',
                                                                                              couples)['mIoU']


def test_the_edge_of_void_is_no_boundary():
    truth = np.zeros((4, 9), int)
    truth[:, 5:] = 255
    scores = evaluate('TrimapIoUMetric', [(truth, truth * 0)], ('a', 'b'), widths=(3,))
    assert np.isnan(scores['trimap_mIoU_3px'])
    scores = evaluate('TrimapIoUMetric', [(truth, truth * 0)], ('a', 'b'), widths=(3,), around='void')
    assert scores['trimap_mIoU_3px'] == 100


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match='ascending widths'):
        TrimapIoUMetric(widths=(3, 1))
    with pytest.raises(ValueError, match="around='classes' or 'void'"):
        TrimapIoUMetric(around='edges')
