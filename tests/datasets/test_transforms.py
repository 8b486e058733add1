import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

from segfusion.datasets.transforms import ColorJitter


def build(**cfg):
    return TRANSFORMS.build(cfg)


def results(h, w, centroid=None, **extra):
    """An image whose pixel (y, x) is (y, x, 0), and a label that is its column."""
    y, x = np.mgrid[:h, :w].astype(np.uint8)
    out = dict(img=np.stack([y, x, 0 * x], -1), gt_seg_map=x.copy(), seg_fields=['gt_seg_map'], ori_shape=(h, w))
    out.update(extra)
    if centroid:
        out['centroid'] = centroid
    return out


@pytest.mark.parametrize('centroid', [(0, 0), (39, 29), (20, 3), (5, 28)])
def test_crop_contains_the_centroid_and_stays_inside(centroid):
    np.random.seed(0)
    crop = build(type='CentroidCrop', crop_size=(7, 9))
    for _ in range(50):
        out = crop(results(30, 40, centroid))
        ys, xs = out['img'][..., 0], out['img'][..., 1]
        assert out['img'].shape == (7, 9, 3) and np.array_equal(out['gt_seg_map'], xs)
        assert xs[0, 0] <= centroid[0] <= xs[0, -1] and ys[0, 0] <= centroid[1] <= ys[-1, 0]


def test_crop_position_is_uniform_around_the_centroid():
    np.random.seed(0)
    crop = build(type='CentroidCrop', crop_size=(1, 4))
    starts = np.bincount([crop(results(3, 40, (20, 1)))['img'][0, 0, 1] for _ in range(2000)])
    assert np.flatnonzero(starts).tolist() == [17, 18, 19, 20] and starts[17:].min() > 440


def test_centroid_follows_resizing_and_flipping():
    np.random.seed(0)
    crop = build(type='CentroidCrop', crop_size=(5, 5))
    large = results(60, 80, (10, 5))
    large['ori_shape'] = (30, 40)
    flipped = results(30, 40, (10, 5), flip=True)
    for _ in range(20):
        out = crop({**large})
        assert out['img'][0, 0, 1] <= 20 <= out['img'][0, -1, 1]
        assert out['img'][0, 0, 0] <= 10 <= out['img'][-1, 0, 0]
        out = crop({**flipped})
        assert out['img'][0, 0, 1] <= 29 <= out['img'][0, -1, 1]


def test_small_images_are_padded_with_ignore():
    np.random.seed(0)
    out = build(type='CentroidCrop', crop_size=(12, 8))(results(6, 20, (3, 3)))
    assert out['img'].shape == (12, 8, 3) and out['img_shape'] == (12, 8)
    rows = (out['gt_seg_map'] == 255).all(1)
    assert rows.sum() == 6 and (out['img'][rows] == 0).all() and not (out['gt_seg_map'][~rows] == 255).any()
    assert build(type='CentroidCrop', crop_size=(12, 8), pad=False)(results(6, 20))['img'].shape == (6, 8, 3)


def test_without_centroid_it_is_mmsegs_random_crop():
    for seed in range(5):
        np.random.seed(seed)
        ours = build(type='CentroidCrop', crop_size=(7, 9), cat_max_ratio=.75)(results(30, 40))
        np.random.seed(seed)
        host = build(type='RandomCrop', crop_size=(7, 9), cat_max_ratio=.75)(results(30, 40))
        assert np.array_equal(ours['img'], host['img'])


def blur_by_loop(image, sigma):
    """Gaussian of radius int(4 sigma + .5), edges repeated."""
    radius = int(4 * sigma + .5)
    weights = np.exp(-.5 * (np.arange(-radius, radius + 1) / sigma)**2)
    weights /= weights.sum()
    out = np.pad(image.astype(float), ((radius, radius), (radius, radius), (0, 0)), mode='edge')
    h, w = image.shape[:2]
    out = sum(weights[k] * out[k:k + h] for k in range(2 * radius + 1))
    return sum(weights[k] * out[:, k:k + w] for k in range(2 * radius + 1))


@pytest.mark.parametrize('sigma', [.15, .7, 1.3])
def test_blur_equals_the_loop(sigma):
    image = np.random.default_rng(0).integers(0, 256, (9, 13, 3)).astype(np.uint8)
    out = build(type='RandomGaussianBlur', sigma=(sigma, sigma))(dict(img=image.copy()))['img']
    assert np.abs(out - blur_by_loop(image, sigma)).max() < 1.01


def test_blur_strength_covers_its_range():
    np.random.seed(0)
    blur = build(type='RandomGaussianBlur')
    drawn = [blur.draw() for _ in range(2000)]
    assert .15 <= min(drawn) < .17 and 1.28 < max(drawn) <= 1.3 and abs(np.mean(drawn) - .725) < .02
    half = build(type='RandomGaussianBlur', prob=.5)
    assert 900 < sum(half.draw() > 0 for _ in range(2000)) < 1100


def test_jitter_steps_known_numbers():
    image = Image.fromarray(np.array([[[200, 100, 0], [0, 100, 200]]], np.uint8))
    assert np.asarray(ColorJitter.apply(image, 'brightness', 1.2)).tolist() == [[[240, 120, 0], [0, 120, 240]]]
    grey = [round(.299 * r + .587 * g + .114 * b) for r, g, b in np.asarray(image)[0].tolist()]
    faded = np.asarray(ColorJitter.apply(image, 'saturation', 0.))
    assert np.abs(faded[0] - np.array(grey)[:, None]).max() <= 1
    flat = np.asarray(ColorJitter.apply(image, 'contrast', 0.))
    assert np.abs(flat.astype(int) - round(sum(grey) / 2)).max() <= 1
    turned = np.asarray(ColorJitter.apply(Image.fromarray(np.array([[[255, 0, 0]]], np.uint8)), 'hue', 1 / 3))
    assert np.abs(turned[0, 0].astype(int) - (0, 255, 0)).max() <= 3
    back = np.asarray(ColorJitter.apply(Image.fromarray(np.array([[[0, 255, 0]]], np.uint8)), 'hue', -1 / 3))
    assert np.abs(back[0, 0].astype(int) - (255, 0, 0)).max() <= 3


def test_jitter_knows_that_mmcv_loads_bgr():
    jitter = build(type='ColorJitter', saturation=.5)
    jitter.draw = lambda: [('saturation', 0.)]
    out = jitter(dict(img=np.full((1, 1, 3), (255, 0, 0), np.uint8)))['img']  # blue
    assert np.abs(out.astype(int) - round(.114 * 255)).max() <= 1


def test_jitter_ranges_and_order():
    np.random.seed(0)
    jitter = build(type='ColorJitter', brightness=.25, contrast=.25, saturation=2., hue=.25)
    drawn = [jitter.draw() for _ in range(500)]
    by_name = {name: [f for steps in drawn for n, f in steps if n == name] for name in jitter.amounts}
    assert .75 <= min(by_name['brightness']) < .76 and 1.24 < max(by_name['brightness']) <= 1.25
    assert 0 <= min(by_name['saturation']) < .05 and -.25 <= min(by_name['hue']) < -.24
    assert len({tuple(n for n, _ in steps) for steps in drawn}) == 24  # every order
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    assert np.array_equal(build(type='ColorJitter')(dict(img=image.copy()))['img'], image)


def test_wrong_amounts():
    with pytest.raises(ValueError, match='hue of at most 0.5'):
        build(type='ColorJitter', hue=.6)
    with pytest.raises(ValueError, match='0 < sigma'):
        build(type='RandomGaussianBlur', sigma=(1., .5))
