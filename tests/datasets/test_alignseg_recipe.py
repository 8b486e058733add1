"""AlignSeg's input recipe, run on one drawn Cityscapes-sized image."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmseg.registry import MODELS, TRANSFORMS

CONFIG = Path(__file__).parents[2] / 'configs/alignseg/alignseg_r101_2xb4-120k_cityscapes-872x872.py'


@pytest.fixture(scope='module')
def config():
    return Config.fromfile(CONFIG)


def test_scales_are_seven_tenths_to_twenty_one_tenths(config):
    factors = [height / 1024 for _, height in config.scales]
    np.testing.assert_allclose(factors, np.arange(7, 22) / 10, atol=5e-4)
    assert all(abs(width - 2 * height) <= 1 for width, height in config.scales)


@pytest.mark.parametrize('scale, height', [((1434, 717), 717), ((2048, 1024), 872)])
def test_small_scales_are_padded_below_after_the_normalisation(config, scale, height):
    steps = [dict(step, resize=dict(step.resize, scales=[scale])) if step.type == 'FusedResizeCrop' else step
             for step in config.train_pipeline if not step.type.startswith('Load')]
    data = dict(img=np.full((1024, 2048, 3), 200, np.uint8), gt_seg_map=np.full((1024, 2048), 3, np.uint8),
                seg_fields=['gt_seg_map'], img_shape=(1024, 2048), ori_shape=(1024, 2048), reduce_zero_label=False)
    packed = Compose([TRANSFORMS.build(step) for step in steps])(data)
    assert packed['inputs'].shape == (3, height, 872)
    preprocessor = MODELS.build(config.model.data_preprocessor)
    out = preprocessor(dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']]), True)
    image, label = out['inputs'][0], out['data_samples'][0].gt_sem_seg.data[0]
    assert image.shape == (3, 872, 872) and label.shape == (872, 872)
    torch.testing.assert_close(image[:, 0, 0], 200 - torch.tensor([104.00698793, 116.66876762, 122.67891434]))
    assert (image[:, height:] == 0).all() and (label[height:] == 255).all() and (label[:height] == 3).all()


def test_windows_overlap_by_a_third(config):
    assert config.model.test_cfg.stride == (-(-872 * 2 // 3), ) * 2  # the authors round up
