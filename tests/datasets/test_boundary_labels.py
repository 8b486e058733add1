import numpy as np
import pytest
import torch
from mmseg.registry import TRANSFORMS

from segfusion.datasets.transforms.boundary_labels import class_boundaries
from tests.references import golden


def reference(labels, classes, radius, skip_first):
    """Every pixel against every other; a frame of void around the image."""
    pad = int(radius) + 1
    wide = np.pad(labels.astype(int), pad, constant_values=-1)
    y, x = np.indices(wide.shape)
    found = np.zeros(wide.shape, bool)
    for c in range(1 if skip_first else 0, classes):
        mask = wide == c
        if mask.any():
            for here in np.argwhere(wide > -2):
                other = mask != mask[tuple(here)]
                near = np.hypot(y[other] - here[0], x[other] - here[1]).min() <= radius
                found[tuple(here)] |= near
    return found[pad:-pad, pad:-pad]


@pytest.mark.parametrize('radius', [1, 2, 2.5, 3])
@pytest.mark.parametrize('skip_first', [False, True])
def test_against_every_pair_of_pixels(radius, skip_first):
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 3, (2, 3)), np.ones((8, 6), int)).astype(np.uint8)[:13, :17]
    labels[5:9, 12:] = 255
    got = class_boundaries(labels, 3, radius, skip_first)
    assert np.array_equal(got, reference(labels, 3, radius, skip_first)) and 0 < got.mean() < 1


def test_parity_with_the_authors():
    data = golden.load('modern_gscnn_losses')
    for labels, expected in zip(data['labels'], data['edge_labels'][:, 0]):
        assert np.array_equal(class_boundaries(labels, 19, 2, skip_first=True), expected)


def test_a_road_that_fills_the_image_has_the_frame_for_its_border():
    labels = np.zeros((7, 9), np.uint8)
    expected = np.ones((7, 9), np.uint8)
    expected[2:-2, 2:-2] = 0
    assert np.array_equal(class_boundaries(labels, 19, 2), expected)
    assert not class_boundaries(labels, 19, 2, skip_first=True).any()
    assert not class_boundaries(np.full((7, 9), 255, np.uint8), 19, 2).any()


def test_the_packed_sample_holds_it():
    labels = np.zeros((12, 16), np.uint8)
    labels[:, 8:] = 1
    results = dict(img=np.zeros((12, 16, 3), np.uint8), gt_seg_map=labels, seg_fields=['gt_seg_map'],
                   ori_shape=(12, 16))
    for step in (dict(type='BoundaryLabels', num_classes=11), dict(type='PackSegInputs')):
        results = TRANSFORMS.build(step)(results)
    edge = results['data_samples'].gt_edge_map.data
    assert edge.dtype == torch.int64 and edge.shape == (1, 12, 16)
    assert edge[0, 6].tolist() == [1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1]


def test_a_wrong_radius_is_named():
    with pytest.raises(ValueError, match='at least 1 pixel, got 0.5'):
        TRANSFORMS.build(dict(type='BoundaryLabels', num_classes=3, radius=0.5))
