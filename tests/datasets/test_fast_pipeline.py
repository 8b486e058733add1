"""The transforms that are faster than the host's give what the host's give, by the same random numbers."""
import copy

import cv2
import numpy as np
import pytest
from mmcv import imresize
from mmcv.transforms import Compose
from mmseg.registry import TRANSFORMS

from segfusion.datasets.transforms.resize_crop import ResizedLater, nearest_pixels

RESIZE = dict(type='RandomResize', scale=(96, 64), ratio_range=(0.5, 2.0), keep_ratio=True)


def build(*steps):
    return Compose([TRANSFORMS.build(step) for step in steps])


def sample(height=64, width=96, classes=4, seed=0):
    """Smooth colours with noise, and labels of which one class has most."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(int)
    image = np.clip(image + generator.integers(-9, 10, image.shape), 0, 255).astype(np.uint8)
    label = cv2.resize(generator.choice([0, 0, 0, 1, 2, 255], (5, 7)).astype(np.uint8), (width, height),
                       interpolation=cv2.INTER_NEAREST)
    return dict(img=image, gt_seg_map=label, seg_fields=['gt_seg_map'], img_shape=(height, width),
                ori_shape=(height, width), reduce_zero_label=False)


def both(ours, host, data, seed):
    """What two pipelines make of the same data from the same seed, and that they drew equally many numbers."""
    out = []
    for steps in (ours, host):
        np.random.seed(seed)
        out.append((steps(copy.deepcopy(data)), np.random.random_sample()))
    assert out[0][1] == out[1][1]
    return out[0][0], out[1][0]


@pytest.mark.parametrize('crop', [(64, 96), (40, 33), (1, 1)])
@pytest.mark.parametrize('share', [1., .75, .3])
def test_resized_crop_is_resize_then_crop_to_the_bit(crop, share):
    crop = dict(type='RandomCrop', crop_size=crop, cat_max_ratio=share)
    ours, host = build(dict(type='FusedResizeCrop', resize=RESIZE, crop=crop)), build(RESIZE, crop)
    for seed in range(40):
        got, expected = both(ours, host, sample(seed=seed, width=96 + seed % 3), seed)
        assert got.keys() == expected.keys()
        assert np.array_equal(got.pop('img'), expected.pop('img'))
        assert np.array_equal(got.pop('gt_seg_map'), expected.pop('gt_seg_map'))
        assert got == expected


@pytest.mark.parametrize('interpolation', ['nearest', 'bilinear', 'bicubic', 'area', 'lanczos'])
@pytest.mark.parametrize('keep_ratio', [True, False])
def test_any_interpolation_of_opencv(interpolation, keep_ratio):
    resize = dict(type='RandomChoiceResize', scales=[(37, 61), (96, 64), (191, 133), (48, 32)],
                  keep_ratio=keep_ratio, interpolation=interpolation)
    crop = dict(type='RandomCrop', crop_size=(31, 29))
    ours, host = build(dict(type='FusedResizeCrop', resize=resize, crop=crop)), build(resize, crop)
    for seed in range(20):
        got, expected = both(ours, host, sample(63, 97, seed=seed), seed)
        changed = np.abs(got['img'].astype(int) - expected['img'])
        assert changed.max() <= (interpolation in ('bicubic', 'lanczos')) and changed.mean() < 1e-3
        assert np.array_equal(got['gt_seg_map'], expected['gt_seg_map'])


@pytest.mark.parametrize('centroid', [None, (70, 11)])
def test_pillow_with_a_centroid_differs_by_rounding(centroid):
    resize = dict(RESIZE, interpolation='bicubic', backend='pillow')
    crop = dict(type='CentroidCrop', crop_size=(50, 70))
    ours, host = build(dict(type='FusedResizeCrop', resize=resize, crop=crop)), build(resize, crop)
    changed = []
    for seed in range(30):
        got, expected = both(ours, host, dict(sample(seed=seed), centroid=centroid), seed)
        assert np.array_equal(got['gt_seg_map'], expected['gt_seg_map'])
        changed.append(np.abs(got['img'].astype(int) - expected['img']))
    # at a scale of 9 / 8 every fifth pixel lies between two levels, and may fall to either
    assert max(c.max() for c in changed) <= 2 and np.median([c.mean() for c in changed]) < .005


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('length, wanted', [(7, 13), (1000, 333), (513, 1021), (2048, 3001), (5, 1)])
def test_nearest_pixels_are_those_of_the_back_end(backend, length, wanted):
    column = (np.arange(length) % 251).astype(np.uint8)[:, None]
    taken = nearest_pixels(length, wanted, backend)
    assert np.array_equal(imresize(column, (1, wanted), interpolation='nearest', backend=backend),
                          column[taken]) and taken[-1] < length


def test_labels_are_counted_as_numpy_counts_them():
    label = np.random.default_rng(0).choice([0, 3, 254, 255], (31, 17), p=[.6, .2, .1, .1])
    for kind in (np.uint8, np.int32):
        window = ResizedLater(label.astype(kind), (31, 17), 'nearest', 'cv2')[3:20, 2:40]
        assert window.shape == (17, 15)
        got, expected = np.unique(window, return_counts=True), np.unique(label[3:20, 2:40], return_counts=True)
        assert got[0].dtype == kind and all(np.array_equal(*pair) for pair in zip(got, expected))


def test_other_transforms_are_refused():
    crop = dict(type='RandomCrop', crop_size=(8, 8))
    for resize in (dict(type='RandomFlip', prob=.5), dict(RESIZE, resize_type='Resize')):
        with pytest.raises(ValueError, match='RandomResize or RandomChoiceResize without a resize_type'):
            build(dict(type='FusedResizeCrop', resize=resize, crop=crop))


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_distortion_by_tables_is_the_hosts_to_the_bit(direction):
    flip, pack = dict(type='RandomFlip', prob=.5, direction=direction), dict(type='PackSegInputs')
    ours = build(flip, dict(type='PhotoMetricDistortionLUT', brightness_delta=40, hue_delta=30), pack)
    host = build(flip, dict(type='PhotoMetricDistortion', brightness_delta=40, hue_delta=30), pack)
    for seed in range(64):
        got, expected = both(ours, host, sample(33, 47, seed=seed), seed)
        assert np.array_equal(got['inputs'], expected['inputs']) and got['inputs'].is_contiguous()
        assert np.array_equal(got['data_samples'].gt_sem_seg.data, expected['data_samples'].gt_sem_seg.data)


def test_distortion_leaves_its_input_alone():
    data = sample()
    before = data['img'].copy()
    step = TRANSFORMS.build(dict(type='PhotoMetricDistortionLUT'))
    for seed in range(8):
        np.random.seed(seed)
        step(data.copy())
    assert np.array_equal(data['img'], before)


def test_distortion_needs_bytes():
    with pytest.raises(TypeError, match='uint8 but got float32'):
        build(dict(type='PhotoMetricDistortionLUT'))(dict(img=np.zeros((4, 4, 3), np.float32)))
