import numpy as np
import pytest

from segfusion.evaluation import ConfusionMatrixMetric
from segfusion.visualization import confusions, draw_confusion
from segfusion.visualization.confusion import row_shares
from tests.evaluation.samples import sample

CLASSES = ('sky', 'road', 'car', 'bus')
TRUTH = np.array([[0, 0, 0, 0], [1, 1, 1, 255], [2, 2, 255, 255]])
PREDICTION = np.array([[0, 0, 0, 1], [1, 2, 2, 0], [2, 2, 3, 3]])
MATRIX = [[3, 1, 0, 0], [0, 1, 2, 0], [0, 0, 2, 0], [0, 0, 0, 0]]


def evaluated():
    metric = ConfusionMatrixMetric()
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process({}, [sample(TRUTH[:2], PREDICTION[:2]), sample(TRUTH[2:], PREDICTION[2:])])
    return metric, metric.compute_metrics(metric.results)


def test_matrix_is_counted_by_hand():
    metric, scores = evaluated()
    assert metric.matrix.tolist() == MATRIX
    recall, precision = (3 / 4 + 1 / 3 + 1) / 3, (1 + 1 / 2 + 1 / 2) / 3  # the bus is nowhere: it has neither
    assert scores == dict(mRecall=round(100 * recall, 2), mPrecision=round(100 * precision, 2))


def test_rows_are_shares_of_the_truth():
    shares = row_shares(np.array(MATRIX))
    np.testing.assert_allclose(shares[:3], [[75, 25, 0, 0], [0, 100 / 3, 200 / 3, 0], [0, 0, 100, 0]])
    assert np.isnan(shares[3]).all()
    assert confusions(np.array(MATRIX), CLASSES) == [('road', 'car', pytest.approx(66.7, abs=.1)), ('sky', 'road', 25.)]


@pytest.mark.parametrize('count', [4, 150])
def test_picture_holds_every_name_and_the_shares(count, tmp_path):
    matrix = np.zeros((count, count), int)
    matrix[:4, :4] = MATRIX
    names = [*CLASSES, *(f'class {i}' for i in range(4, count))]
    figure = draw_confusion(matrix, names, 'title')
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()][:count] == names  # with many, also above
    assert [t.get_text() for t in axes.get_yticklabels()][:4] == ['sky', 'road', 'car', 'bus (none)']
    written = [t.get_text() for t in axes.texts]
    assert written == (['75', '25', '33', '67', '100'] if count == 4 else [])
    np.testing.assert_allclose(axes.images[0].get_array()[1, :3].filled(), [0, 100 / 3, 200 / 3])
    figure.savefig(tmp_path / 'a.png', dpi=50, bbox_inches='tight')
    # names of neighbours do not overlap: a cell is as high as its letters
    assert figure.get_size_inches()[1] * 72 / count > axes.get_yticklabels()[0].get_fontsize()
    with pytest.raises(ValueError, match='3 class names'):
        draw_confusion(matrix, names[:3])
