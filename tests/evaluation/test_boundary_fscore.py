import numpy as np
import pytest

from segfusion.evaluation import BoundaryFScoreMetric, boundaries
from segfusion.evaluation.boundaries import boundary_points, matches_within
from tests.evaluation.samples import CLASSES, evaluate, pairs
from tests.references import boundaries as slow


def test_typed_out_boundaries():
    labels = np.array([[0, 0, 1], [0, 0, 1], [2, 255, 1]], np.uint8)
    classes, position = boundary_points(labels, 255)
    of = {c: sorted(position[classes == c].tolist()) for c in range(3)}
    # 0: beside the 1s, and above the last row; 1: the pixels left of it, void included; 2: the pixels above it and it
    assert of == {0: [1, 3, 4], 1: [1, 4, 7], 2: [3, 6]}


def test_points_of_all_classes_are_the_boundary_maps_of_each():
    for truth, _ in pairs([(13, 17), (1, 9), (9, 1), (1, 1)]):
        classes, position = boundary_points(truth.astype(np.uint8), 255)
        for c in range(4):
            ours = np.zeros(truth.size, int)
            np.add.at(ours, position[classes == c], 1)
            assert np.array_equal(ours.reshape(truth.shape), slow.boundary_map(truth == c).astype(int))


def test_typed_out_scores():
    """A vertical boundary after column 2 in the truth, after column 4 in the prediction: 2 pixels apart."""
    truth, prediction = np.zeros((5, 12), int), np.zeros((5, 12), int)
    truth[:, 3:], prediction[:, 5:] = 1, 1
    scores = evaluate('BoundaryFScoreMetric', [(truth, prediction)], ('a', 'b'), thresholds=(1, 2))
    assert scores == dict(mBF_1px=0., mBF_2px=100.)
    prediction[0, 11] = 0  # three more boundary pixels: left of it, itself in the last column, below the left; far away
    scores = evaluate('BoundaryFScoreMetric', [(truth, prediction)], ('a', 'b'), thresholds=(2,))
    assert scores['mBF_2px'] == round(100 * 2 * (5 / 7) / (1 + 5 / 7), 2)  # precision 5/7, recall 1


@pytest.mark.parametrize('count_absent', [True, False])
def test_equals_the_released_form_class_by_class(count_absent):
    couples, thresholds = pairs([(17, 23), (20, 12), (6, 31)]), (1, 2, 3, 5)
    scores = evaluate('BoundaryFScoreMetric', couples, thresholds=thresholds, count_absent=count_absent)
    for radius in thresholds:
        means = []
        for c in range(len(CLASSES)):
            values = []
            for truth, prediction in couples:
                masks = (prediction == c) & (truth != 255), truth == c
                if count_absent or any(slow.boundary_map(m).any() for m in masks):
                    values.append(slow.boundary_fscore(*masks, radius))
            means.append(np.mean(values) if values else np.nan)
        assert scores[f'mBF_{radius}px'] == pytest.approx(100 * np.nanmean(means), abs=0.0051)
        assert means[4] == 1 if count_absent else np.isnan(means[4])


@pytest.mark.parametrize('lookup', [0, 10**9])
def test_looking_up_and_dilating_agree(lookup, monkeypatch):
    monkeypatch.setattr(boundaries, 'LOOKUP', lookup)
    (size, generator), radii = ((40, 50), np.random.default_rng(0)), (1, 2.5, 4, 7)
    query, target = ((generator.integers(0, 3, n), generator.choice(2000, n, replace=False)) for n in (60, 40))
    expected = []
    for c, p in zip(*query):
        others = target[1][target[0] == c]
        nearest = np.hypot(others // 50 - p // 50, others % 50 - p % 50).min()
        expected.append(sum(r < nearest - 1e-9 for r in radii))
    assert matches_within(query, target, size, radii).tolist() == expected
    assert len(set(expected)) == 5


def test_matches_are_discs():
    """From (15, 15), points at distances 5 (3, 4), sqrt 26 (1, 5) and of another class in between."""
    target = np.array([1, 1, 2]), np.array([18 * 31 + 19, 16 * 31 + 20, 15 * 31 + 16])
    here = np.array([1]), np.array([15 * 31 + 15])
    assert matches_within(here, target, (31, 31), (4.9, 5, 6)).tolist() == [1]
    assert matches_within(here, tuple(t[1:] for t in target), (31, 31), (5, 5.2)).tolist() == [1]
    assert matches_within(here, tuple(t[2:] for t in target), (31, 31), (5, 12)).tolist() == [2]


def test_points_do_not_match_across_the_border():
    """The last pixel of a row and the first of the next are neighbours in memory only."""
    query, target = (np.array([0]), np.array([9])), (np.array([0]), np.array([10]))
    assert matches_within(query, target, (4, 10), (3,)).tolist() == [1]


def test_thresholds_below_one_are_fractions_of_the_diagonal():
    assert BoundaryFScoreMetric(thresholds=(0.008, 3)).radii(480, 854) == [8, 3]
    assert 'mBF_0.01' in evaluate('BoundaryFScoreMetric', pairs([(9, 9)]), thresholds=(0.01,))
    with pytest.raises(ValueError, match='ascending thresholds'):
        BoundaryFScoreMetric(thresholds=(3, 3))
