import os

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import DATASETS

from segfusion.datasets import CamVidDataset, StreetScenes, street_scenes
from segfusion.datasets.files import PARTIAL
from segfusion.datasets.scenes import render_scene
from segfusion.datasets.scenes.canvas import POLE, ROAD, SKY, VOID, Camera, Canvas, Light

DAY = Light(0, 1., 0., 1., 0., (0., 0., 0.), (1., 1., 1.), 1., 0.)


def test_scene_depends_on_its_number_only():
    first = render_scene('train', 3, (48, 64))
    render_scene('val', 1, (32, 32))
    np.random.seed(5)
    again = render_scene('train', 3, (48, 64))
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    for other in (render_scene('train', 4, (48, 64)), render_scene('val', 3, (48, 64)),
                  render_scene('train', 3, (48, 64), seed=1)):
        assert (other[1] != first[1]).mean() > .05


def test_scene_is_the_same_at_twice_the_size():
    small, large = render_scene('train', 0, (96, 128)), render_scene('train', 0, (192, 256))
    assert (large[1][::2, ::2] == small[1]).mean() > .92
    assert np.abs(cv2.resize(large[0], (128, 96), interpolation=cv2.INTER_AREA).astype(float) - small[0]).mean() < 12


@pytest.mark.parametrize('size', [(33, 47), (64, 200), (120, 64)])
def test_any_size(size):
    image, label = render_scene('train', 1, size)
    assert image.shape == (*size, 3) and label.shape == size
    assert image.dtype == label.dtype == np.uint8 and label.max() <= VOID and image.std() > 10


def test_every_class_occurs_and_they_are_imbalanced():
    counts = sum(np.bincount(render_scene('train', i, (96, 128))[1].ravel(), minlength=12) for i in range(14))
    share = counts / counts.sum()
    assert (share[:11] > .0005).all() and share[11] < .05
    assert share[ROAD] > 20 * share[10] and share[ROAD] > 20 * share[6]


def test_label_takes_the_majority_and_of_halves_the_nearer():
    canvas = Canvas(2, 6, DAY)
    far, near = canvas.stroke(ROAD), canvas.stroke(POLE)
    canvas.order[:] = np.array([[far, far, far, near, far, near], [far, near, far, near, near, near]])
    assert canvas.label().tolist() == [[ROAD, POLE, POLE]]
    canvas.order[:] = np.array([[0, 0, 0, far, near, far], [0, 0, far, near, far, near]])
    assert canvas.label().tolist() == [[SKY, ROAD, POLE]]


def test_image_is_anti_aliased_where_the_label_is_crisp():
    canvas = Canvas(2, 2, DAY)
    canvas.rgb[:, 1] = 200
    canvas.order[:, 1] = canvas.stroke(POLE)
    assert canvas.image().tolist() == [[[100] * 3]] and canvas.label().tolist() == [[POLE]]


def test_camera_projects_by_similar_triangles():
    cam = Camera(1., 0., 1.5, .5, .5, 0.).on(100, 200)
    assert cam.project(0, 1.5, 10).tolist() == [100, 50]  # eye height is the horizon
    assert cam.project(2, 0, 10).tolist() == [100 + 200 * 2 / 10, 50 + 200 * 1.5 / 10]
    assert cam.project([1, 2], 0, [5, 10]).tolist() == [[140, 110], [140, 80]]


def test_haze_decays_exponentially_to_its_colour():
    light = Light(0, 1., 0., 1., .1, (50., 60., 70.), (1., 1., 1.), 1., 0.)
    assert np.allclose(light.seen((150, 160, 170), 10), np.array([50, 60, 70]) + 100 * np.exp(-1))


@pytest.fixture
def small(tmp_path):

    def build(**kwargs):
        cfg = dict(type='StreetScenes', data_root=str(tmp_path), split='val', num_images=2, size=(32, 48),
                   serialize_data=False,
                   pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                             dict(type='CheckLabels', num_classes=11)])
        return DATASETS.build({**cfg, **kwargs})

    return build


def test_dataset_stores_what_the_renderer_draws(small):
    image, label = render_scene('val', 1, (32, 48))
    sample = small()[1]
    assert np.array_equal(sample['img'], image[..., ::-1])
    assert np.array_equal(sample['gt_seg_map'], np.where(label == VOID, 255, label))
    assert StreetScenes.METAINFO == CamVidDataset.METAINFO


@pytest.fixture
def drawn(monkeypatch):
    """Numbers of the scenes that were drawn; they are blank, for what is about files only."""
    numbers = []

    def draw(split, index, size, seed):
        numbers.append(index)
        return np.full((*size, 3), index, np.uint8), np.full(size, index, np.uint8)

    monkeypatch.setattr(street_scenes, 'render_scene', draw)
    return numbers


def test_scenes_are_drawn_once(small, drawn):
    small()
    small()
    assert drawn == [0, 1]
    more = small(num_images=3)
    assert drawn == [0, 1, 2] and len(more) == 3
    assert len(small()) == 2  # more on the disk than asked for


def test_half_a_scene_is_drawn_again(small, drawn):
    dataset = small()
    os.unlink(dataset.get_data_info(1)['img_path'])
    assert small()[1]['img'].max() == 1 and drawn == [0, 1, 1]
    assert not [f for _, _, files in os.walk(dataset.data_root) for f in files if f.endswith(PARTIAL)]


def test_other_parameters_use_other_folders(small, drawn):
    changes = ({}, dict(seed=1), dict(size=(32, 32)), dict(split='test'))
    paths = [small(num_images=1, **change).get_data_info(0)['img_path'] for change in changes]
    assert len(set(paths)) == 4 and all(map(os.path.exists, paths))
    assert 'v1_seed0_32x48' in paths[0]


def test_ranks_share_the_work(small, drawn, monkeypatch):
    monkeypatch.setattr(street_scenes, 'get_dist_info', lambda: (1, 2))
    small(num_images=4)
    assert drawn == [2, 3, 0, 1]  # the other rank starts with 0 and 1; what it has finished is skipped


@pytest.mark.parametrize('wrong, match', [(dict(split='trian'), "one of .*'train'"),
                                          (dict(size=(8, 64)), 'at least 16'), (dict(num_images=0), 'num_images')])
def test_wrong_arguments(small, wrong, match):
    with pytest.raises(ValueError, match=match):
        small(**wrong)


@pytest.mark.parametrize('name', ['street_scenes', 'camvid'])
def test_config_feeds_a_batch(name, tmp_path, camvid, monkeypatch, configs):
    monkeypatch.setenv('STREET_SCENES_ROOT', str(tmp_path / 'scenes'))
    monkeypatch.setenv('CAMVID_ROOT', str(camvid))
    config = Config.fromfile(configs / f'{name}.py')
    if name == 'street_scenes':
        config.merge_from_dict({'train_dataloader.dataset.num_images': 2, 'val_dataloader.dataset.num_images': 1})
    crop = config.crop_size
    for split, ndim in (('train', 2), ('val', 2)):
        loader = config[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=1)
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        image, truth = batch['inputs'][0], batch['data_samples'][0].gt_sem_seg.data[0]
        assert image.shape[0] == 3 and truth.ndim == ndim and truth.shape == image.shape[1:]
        assert all(have <= want for have, want in zip(truth.shape, crop))
        assert set(truth.unique().tolist()) <= {*range(11), 255}
    assert config.test_dataloader.dataset.get('split') == 'test' or \
        config.test_dataloader.dataset.data_prefix.img_path == 'test'
