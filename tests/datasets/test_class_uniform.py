import time
from collections import Counter
from datetime import timedelta
from itertools import islice

import numpy as np
import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import DATA_SAMPLERS, DATASETS
from PIL import Image

from segfusion import register_all
from segfusion.datasets import class_uniform
from segfusion.datasets.class_uniform import ClassUniformDataset, tile_centroids

CLASSES = ('ground', 'rare', 'thin', 'never')
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='CheckLabels', num_classes=11)]


@pytest.fixture
def folder(tmp_path):
    """Ten 16x24 images: class 1 in the third only, class 2 in all odd ones, class 3 nowhere."""
    for part in ('images', 'labels'):
        (tmp_path / part).mkdir()
    for i in range(10):
        label = np.zeros((16, 24), np.uint8)
        if i == 3:
            label[2:4, 10:14] = 1
        if i % 2:
            label[:, 20] = 2
        Image.fromarray(label).save(tmp_path / 'labels' / f'{i}.png')
        Image.fromarray(np.repeat(label[..., None] * 60, 3, -1)).save(tmp_path / 'images' / f'{i}.png')
    return tmp_path


@pytest.fixture
def dataset(folder):

    def build(**kwargs):
        return DATASETS.build({
            'type': 'ClassUniformDataset',
            'tile': 32,
            'dataset': dict(type='PairedFolderDataset', data_root=str(folder), pipeline=PIPELINE,
                            data_prefix=dict(img_path='images', seg_map_path='labels'), metainfo=dict(classes=CLASSES),
                            serialize_data=False),
            **kwargs
        })

    return build


def sampler(dataset, **kwargs):
    return DATA_SAMPLERS.build({'type': 'ClassUniformSampler', 'seed': 0, 'dataset': dataset, **kwargs})


def centroids_by_loop(label, num_classes, tile):
    """Word for word: for every whole tile and class, the mean row and column of its pixels, cut to integers."""
    found = []
    for y in range(0, label.shape[0], tile):
        for x in range(0, label.shape[1], tile):
            part = label[y:y + tile, x:x + tile]
            for c in range(num_classes):
                rows, cols = np.where(part == c)
                if len(rows):
                    found.append((c, int(cols.mean()) + x, int(rows.mean()) + y))
    return found


def test_centroids_equal_the_loop():
    label = np.random.default_rng(0).integers(0, 7, (24, 40)).astype(np.uint8)
    label[label == 5] = 255
    assert sorted(tile_centroids(label, 5, 8)) == sorted(centroids_by_loop(label, 5, 8))


def test_centroids_known_numbers():
    label = np.zeros((4, 10), np.uint8)
    label[1:3, 7:9] = 1
    assert tile_centroids(label, 2, 5) == [(0, 2, 1), (0, 6, 1), (1, 7, 1)]


def test_tiles_reach_the_border_and_small_maps_are_one_tile():
    label = np.zeros((7, 9), np.uint8)
    label[6, 8] = 1
    assert tile_centroids(label, 2, 4)[-1] == (1, 8, 6)
    assert tile_centroids(label, 2, 1024) == [(0, 3, 2), (1, 8, 6)]


def test_dataset_finds_the_classes(dataset):
    found = dataset().centroids
    assert Counter(found[:, 0].tolist()) == {0: 10, 1: 1, 2: 5}
    assert found[found[:, 0] == 1].tolist() == [[1, 3, 11, 2]]


def test_centroids_are_cached_and_renewed(dataset, folder, monkeypatch):
    first = dataset().centroids
    searched = []
    search = ClassUniformDataset._search
    monkeypatch.setattr(ClassUniformDataset, '_search', lambda self: searched.append(1) or search(self))
    assert np.array_equal(dataset().centroids, first) and not searched
    label = np.zeros((16, 24), np.uint8)
    label[0, 0] = 3
    Image.fromarray(label).save(folder / 'labels' / '0.png')
    assert (dataset().centroids[:, 0] == 3).sum() == 1 and searched == [1]
    dataset(tile=8)
    assert searched == [1, 1]


def test_unwritable_cache_is_a_warning(dataset, monkeypatch):
    def refuse(*args):
        raise PermissionError('read-only')

    monkeypatch.setattr(class_uniform, 'write_whole', refuse)
    with pytest.warns(UserWarning, match='cache_dir'):
        assert len(dataset().centroids) == 16


LIMIT = 4  # seconds a collective may take


def scan(rank, config, slow, out):
    """One of two ranks: what it finds or what it says, and how many labels it read."""
    register_all()
    dist.init_process_group('gloo', init_method=f'file://{out}/meet', rank=rank, world_size=2,
                            timeout=timedelta(seconds=LIMIT))
    read = []

    def load(self, results, load=LoadAnnotations.transform):
        read.append(1)
        if slow and rank == 0 and len(read) == 1:
            time.sleep(LIMIT + 3)
        return load(self, results)

    LoadAnnotations.transform = load
    try:
        found = DATASETS.build(config).centroids.tolist()
    except BaseException as error:
        found = f'{type(error).__name__}: {error}'
    torch.save((found, len(read)), f'{out}/{rank}.pt')
    if rank == 1:  # until then rank 0 keeps the meeting place open
        return
    for _ in range(100):
        if (out / '1.pt').exists():
            break
        time.sleep(0.2)


def scan_with_two_ranks(config, out, slow=False):
    out.mkdir()
    torch.multiprocessing.start_processes(scan, (config, slow, out), nprocs=2, start_method='fork')
    return zip(*(torch.load(out / f'{rank}.pt', weights_only=False) for rank in (0, 1)))


@pytest.fixture
def config(folder):
    return dict(type='ClassUniformDataset', tile=32, dataset=dict(
        type='PairedFolderDataset', data_root=str(folder), pipeline=PIPELINE, metainfo=dict(classes=CLASSES),
        data_prefix=dict(img_path='images', seg_map_path='labels')))


def test_two_ranks_find_what_one_finds_and_a_long_search_holds_no_collective_open(config, folder, dataset):
    found, read = scan_with_two_ranks(config, folder / 'first', slow=True)
    assert read == (5, 5)  # each its share
    alone = dataset(cache_dir=str(folder / 'another')).centroids.tolist()
    assert list(found) == [alone, alone]
    again, read = scan_with_two_ranks(config, folder / 'second')
    assert list(again) == [alone, alone] and read == (0, 0)  # from the file


@pytest.mark.parametrize('rank', [0, 1])
def test_an_error_on_one_rank_ends_all_with_its_message(rank, config, folder):
    (folder / 'labels' / f'{4 + rank}.png').write_bytes(b'no image')
    (first, second), _ = scan_with_two_ranks(config, folder / 'out')
    assert first == second
    assert first.startswith(f'RuntimeError: looking for the classes in the labels failed on rank {rank}: ')


def test_an_error_alone_is_its_own(dataset, folder):
    (folder / 'labels' / '4.png').write_bytes(b'no image')
    with pytest.raises(Exception) as caught:
        dataset()
    assert 'failed on rank' not in str(caught.value)


def test_epoch_holds_every_class_equally_often(dataset):
    picks = sampler(dataset(), pct=.9).epoch_picks(0)  # floor(10 * .9 / 4) = 2 of each class
    subjects = [p for p in picks if isinstance(p, tuple)]
    assert len(picks) == 10 and len(subjects) == 6  # the share of the class that never occurs went to whole images
    assert Counter((p[0], p[1:]) for p in subjects)[3, (11, 2)] == 2
    assert sum(p[1:] == (20, 7) for p in subjects) == 2


def test_centres_do_not_repeat_before_all_were_shown(dataset):
    data = dataset()
    for epoch in range(5):
        picks = sampler(data, pct=1.).epoch_picks(epoch)  # 2 of each of four classes
        thin = [p[0] for p in picks if isinstance(p, tuple) and p[1:] == (20, 7)]
        assert len(set(thin)) == len(thin) == 2
        whole = [p for p in picks if not isinstance(p, tuple)]
        assert len(set(whole)) == len(whole) == 4


def test_long_run_is_uniform_over_classes_and_images(dataset):
    stream = islice(iter(sampler(dataset(), pct=.8)), 4000)
    picks = list(stream)
    thin = Counter(p[0] for p in picks if isinstance(p, tuple) and p[1:] == (20, 7))
    assert sum(thin.values()) == 800 and max(abs(n - 160) for n in thin.values()) < 50
    whole = Counter(p for p in picks if not isinstance(p, tuple))
    assert sum(whole.values()) == 1600 and max(abs(n - 160) for n in whole.values()) < 50


def test_zero_pct_is_plain_shuffling(dataset):
    assert sorted(sampler(dataset(), pct=0).epoch_picks(3)) == list(range(10))


def test_seed_and_epoch_decide(dataset):
    data = dataset()
    one, two = sampler(data), sampler(data)
    assert one.epoch_picks(4) == two.epoch_picks(4) != one.epoch_picks(5)
    assert list(islice(iter(one), 20)) == one.epoch_picks(0) + one.epoch_picks(1)
    epochs = sampler(data, infinite=False)
    epochs.set_epoch(4)
    assert list(epochs) == one.epoch_picks(4) and len(epochs) == 10
    assert one.epoch_picks(0) != sampler(data, seed=1).epoch_picks(0)


@pytest.mark.parametrize('infinite', [True, False])
def test_two_ranks_split_one_epoch(dataset, infinite, monkeypatch):
    data = dataset()
    whole = sampler(data).epoch_picks(0)
    for rank in (0, 1):
        monkeypatch.setattr(class_uniform, 'get_dist_info', lambda rank=rank: (rank, 2))
        part = sampler(data, infinite=infinite)
        assert list(islice(iter(part), 5)) == whole[rank::2] and len(part) == 5


def test_ranks_get_equally_many_when_they_do_not_divide(dataset, monkeypatch):
    data, parts = dataset(), []
    for rank in range(3):
        monkeypatch.setattr(class_uniform, 'get_dist_info', lambda rank=rank: (rank, 3))
        parts.append(list(sampler(data, infinite=False)))
    assert [len(p) for p in parts] == [4, 4, 4]
    shown = Counter(pick for part in parts for pick in part)
    assert all(shown[pick] >= 1 for pick in sampler(data).epoch_picks(0))


def test_resuming_continues_the_stream(dataset):
    data = dataset()
    late = sampler(data)
    late.skip(13)
    assert list(islice(iter(late), 9)) == list(islice(iter(sampler(data)), 22))[13:]


def test_pick_reaches_the_pipeline(dataset):
    data = dataset()
    assert data[3, 11, 2]['centroid'] == (11, 2)
    assert data[3, 11, 2]['img_path'] == data[3]['img_path'] and 'centroid' not in data[3]


def test_loader_of_both_loops_shows_the_subject(dataset, folder):
    """Through mmengine's dataloader, with a worker: the crop of a pick always contains its class."""
    pipeline = [*PIPELINE, dict(type='CentroidCrop', crop_size=(4, 4)), dict(type='PackSegInputs')]
    for infinite in (True, False):
        loader = Runner.build_dataloader(dict(
            batch_size=5, num_workers=1, persistent_workers=True,
            sampler=dict(type='ClassUniformSampler', pct=.8, infinite=infinite),
            dataset=dict(type='ClassUniformDataset', tile=32, dataset=dict(
                type='PairedFolderDataset', data_root=str(folder), pipeline=pipeline, metainfo=dict(classes=CLASSES),
                data_prefix=dict(img_path='images', seg_map_path='labels')))), seed=0)
        batches = list(islice(iter(loader), 2))
        crops = torch.stack([s.gt_sem_seg.data for b in batches for s in b['data_samples']])
        assert crops.shape == (10, 1, 4, 4)
        # floor(10 * .8 / 4) = 2 picks a class, and every one of them shows it
        assert all(sum(bool((crop == c).any()) for crop in crops) >= 2 for c in (1, 2))


def test_wrong_use_is_explained(dataset):
    plain = dataset().dataset
    with pytest.raises(TypeError, match="type='ClassUniformDataset'"):
        sampler(plain)
    with pytest.raises(ValueError, match='pct between 0 and 1'):
        sampler(dataset(), pct=50)
    plain.pipeline.transforms.pop(1)
    with pytest.raises(ValueError, match='LoadAnnotations'):
        ClassUniformDataset(plain)


def test_cityscapes_recipe_names_the_parts(configs):
    config = Config.fromfile(configs / 'cityscapes_1024x1024_class-uniform.py')
    loader = config.train_dataloader
    assert (loader.sampler.type, loader.sampler.pct, loader.dataset.tile) == ('ClassUniformSampler', .5, 1024)
    names = [step.type for step in loader.dataset.dataset.pipeline]
    assert names.index('FusedResizeCrop') < names.index('RandomFlip')
    fused = loader.dataset.dataset.pipeline[names.index('FusedResizeCrop')]
    assert (fused.resize.interpolation, fused.resize.backend) == ('bicubic', 'pillow')
    assert fused.crop.type == 'CentroidCrop'
