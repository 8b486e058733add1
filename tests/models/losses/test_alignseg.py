"""The losses of the AlignSeg configs against the authors' values on stored logits, by stock mmseg losses."""
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from tests.references import golden

CONFIGS = Path(__file__).parents[3] / 'configs'


@pytest.mark.parametrize('config, value', [
    ('_base_/models/alignseg_r50.py', 'alignseg_CriterionDSN'),
    ('alignseg/alignseg_r101_lovasz_2xb4-120k_cityscapes-872x872.py', 'alignseg_CriterionOhemDSN'),
])
def test_total_loss_is_the_authors(config, value):
    data = golden.load('losses')
    model = Config.fromfile(CONFIGS / config).model
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=torch.from_numpy(label).long()[None])) for label in data['labels']
    ]
    total = 0
    for cfg, logits in ((model.decode_head, data['main_s4']), (model.auxiliary_head, data['aux0'])):
        head = MODELS.build(cfg)
        losses = head.loss_by_feat(torch.from_numpy(logits), samples)
        total = total + sum(loss for name, loss in losses.items() if 'loss' in name)
    expected = json.loads(str(data['values']))[value]
    assert total.item() == pytest.approx(expected, rel=1e-5)
