"""What holds for every boundary metric."""
import logging

import numpy as np
import pytest
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger

from tests.evaluation.samples import CLASSES, evaluate, metric, pairs, sample

METRICS = {
    'BoundaryIoUMetric': dict(pixels=2),
    'TrimapIoUMetric': dict(widths=(1, 4)),
    'BoundaryFScoreMetric': dict(thresholds=(1, 3)),
}
every = pytest.mark.parametrize('name', METRICS)


@every
def test_a_perfect_prediction_scores_everything(name):
    couples = [(truth, np.where(truth == 255, 3, truth)) for truth, _ in pairs([(17, 23), (20, 12)])]
    assert set(evaluate(name, couples, **METRICS[name]).values()) == {100.}


@every
def test_what_is_predicted_on_void_does_not_count(name):
    couples = pairs([(17, 23), (20, 12)])
    other = [(t, np.where(t == 255, (p + 1) % 4, p)) for t, p in couples]
    assert evaluate(name, couples, **METRICS[name]) == evaluate(name, other, **METRICS[name])


@every
def test_streaming_is_all_at_once(name):
    """In batches or one by one, on one process or split over two whose results mmengine collects in turns."""
    couples = pairs([(17, 23), (20, 12), (9, 31), (8, 8)])
    one, two = (evaluate(name, couples, batch=b, **METRICS[name]) for b in (1, 4))
    ranks = [metric(name, **METRICS[name]) for _ in range(2)]
    for i, couple in enumerate(couples):
        ranks[i % 2].process({}, [sample(*couple)])
    collected = [r for both in zip(*(rank.results for rank in ranks)) for r in both]
    assert one == two == ranks[0].compute_metrics(collected)
    assert all(r.size <= 6 * len(CLASSES) for r in collected)  # nothing of the size of an image is kept


@every
def test_one_pixel(name):
    scores = evaluate(name, [(np.array([[1]]), np.array([[1]]))], **METRICS[name])
    if name == 'TrimapIoUMetric':  # no boundary, no band
        assert all(np.isnan(v) for v in scores.values())
    else:
        assert set(scores.values()) == {100.}


@pytest.mark.parametrize('name, options', [*METRICS.items(), ('BoundaryFScoreMetric', dict(count_absent=False))][::-1])
def test_an_image_of_void_has_no_score(name, options):
    scores = evaluate(name, [(np.full((6, 7), 255), np.ones((6, 7)))], **options)
    if options == METRICS['BoundaryFScoreMetric']:  # as released: nothing missed, nothing claimed
        assert set(scores.values()) == {100.}
    else:
        assert all(np.isnan(v) for v in scores.values())


@every
def test_many_classes(name):
    """More than a byte holds."""
    classes = tuple(f'c{i}' for i in range(300))
    few, couples = METRICS[name], pairs([(17, 23), (20, 12)])
    lifted = [(np.where(t == 255, 255, t + 290), p + 290) for t, p in couples]
    built = [metric(name, n, **few) for n in (CLASSES, classes)]
    for m, some in zip(built, (couples, lifted)):
        for couple in some:
            m.process({}, [sample(*couple)])
    small, large = (m.scores(sum(m.results)) for m in built)
    for key in small:
        np.testing.assert_array_equal(large[key][290:294], small[key][:4])


@every
def test_beside_others_with_a_prefix_and_a_table(name, caplog):
    couples = pairs([(17, 23)])
    evaluator = Evaluator([dict(type='IoUMetric'), dict(type=name, prefix='edge', **METRICS[name])])
    evaluator.dataset_meta = dict(classes=CLASSES)
    evaluator.process([sample(*couples[0])], {})
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, logger=logger.name):
        scores = evaluator.evaluate(1)
    logger.removeHandler(caplog.handler)
    assert 'mIoU' in scores and {k for k in scores if k.startswith('edge/')} == {
        f'edge/{k}' for k in evaluate(name, couples, **METRICS[name])}
    assert 'per class results' in caplog.text and caplog.text.count('| never |') == 2


@every
def test_errors_tell_what_to_do(name):
    built = metric(name, **METRICS[name])
    with pytest.raises(ValueError, match='put LoadAnnotations after Resize'):
        built.process({}, [sample(np.zeros((4, 5)), np.zeros((4, 6)))])
    with pytest.raises(ValueError, match='reduce_zero_label'):
        built.process({}, [sample(np.full((4, 5), 9), np.zeros((4, 5)))])
    with pytest.raises(ValueError, match='add LoadAnnotations'):
        built.process({}, [dict(pred_sem_seg=None, img_path='a.png')])
