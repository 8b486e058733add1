"""The race of pipelines compares the same work."""
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmseg.registry import TRANSFORMS
from PIL import Image

from segfusion.diagnosis.pipeline import decoded_files, drawn_files, race_pipelines, stock, workers

BASES = Path(__file__).parents[2] / 'configs/_base_/datasets'


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp('drawn')
    infos = drawn_files(folder, 2, (96, 128))
    return infos, decoded_files(infos, folder / 'copy')


def test_decoded_files_are_the_same_samples(drawn):
    for key, shape in (('img_path', (96, 128, 3)), ('seg_map_path', (96, 128))):
        pairs = [[np.asarray(Image.open(info[key])) for info in infos] for infos in zip(*drawn)]
        assert all(np.array_equal(*pair) and pair[0].shape == shape for pair in pairs)
        assert not np.array_equal(pairs[0][0], pairs[1][0])


@pytest.mark.parametrize('stem, crop', [('camvid', (96, 128)), ('cityscapes_512x1024', (64, 128)),
                                        ('street_scenes', (64, 64))])
def test_shipped_pipelines_give_the_hosts_samples_to_the_bit(drawn, stem, crop):
    pipeline = Config.fromfile(BASES / f'{stem}.py').train_pipeline
    pipeline[3]['crop']['crop_size'], pipeline[3]['resize']['scale'] = crop, (128, 96)
    pipelines = [[step for steps in stock(pipeline) for step in steps], pipeline]
    assert [s['type'] for s in pipelines[0][3:7]] == ['RandomResize', 'RandomCrop', 'RandomFlip',
                                                      'PhotoMetricDistortion']
    for seed in range(12):
        packed = []
        for steps, infos in zip(pipelines, drawn):
            np.random.seed(seed)
            packed.append(Compose([TRANSFORMS.build(s) for s in steps])(dict(infos[seed % 2], seg_fields=[])))
        host, ours = packed
        assert np.array_equal(host['inputs'], ours['inputs'])
        assert np.array_equal(host['data_samples'].gt_sem_seg.data, ours['data_samples'].gt_sem_seg.data)
        meta = [{k: v for k, v in sample['data_samples'].metainfo.items() if 'path' not in k} for sample in packed]
        assert meta[0] == meta[1]


def test_a_race_has_a_row_for_every_transform(drawn):
    pipeline = Config.fromfile(BASES / 'street_scenes.py').train_pipeline
    times, rows = race_pipelines(pipeline, *drawn, draws=3, repeats=1)
    assert list(times) == ['stock published', 'stock decoded', 'ours published', 'ours decoded']
    assert [row[2] for row in rows] == [s['type'] for s in pipeline] + ['LoadImageFromFile', 'LoadAnnotations']
    assert rows[3][0] == 'RandomResize + RandomCrop' and min(row[i] for row in rows for i in (1, 3)) > 0


def test_workers_are_enough():
    assert workers(100., 8, 20.) == 16 and workers(100.1, 8, 20.) == 17
