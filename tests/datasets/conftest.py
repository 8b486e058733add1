from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS


@pytest.fixture
def camvid(tmp_path):
    """Folder of a tiny CamVid: two training frames (one PNG, one WebP), one validation frame."""
    rng = np.random.default_rng(0)
    for split, names in (('train', ('a.png', 'b.webp')), ('val', ('c.png', ))):
        (tmp_path / split).mkdir()
        (tmp_path / f'{split}annot').mkdir()
        for name in names:
            image = np.full((36, 48, 3), (10, 100, 200), np.uint8)
            label = rng.integers(0, 12, (36, 48)).astype(np.uint8)
            label[0, :12] = np.arange(12)  # every class and void
            assert cv2.imwrite(str(tmp_path / split / name), image)
            assert cv2.imwrite(str(tmp_path / f'{split}annot' / name.split('.')[0]) + '.png', label)
    return tmp_path


@pytest.fixture
def build_camvid(camvid):
    """Build the data set of a split of the tiny CamVid."""

    def build(split='train', num_classes=11, **kwargs):
        pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                    dict(type='CheckLabels', num_classes=num_classes)]
        # serialising collects garbage, which takes longer than all the rest of a test
        cfg = dict(type='CamVidDataset', data_root=str(camvid), pipeline=pipeline, serialize_data=False,
                   data_prefix=dict(img_path=split, seg_map_path=f'{split}annot'))
        return DATASETS.build({**cfg, **kwargs})

    return build


@pytest.fixture
def configs():
    """Folder of the data set configs."""
    return Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets'
