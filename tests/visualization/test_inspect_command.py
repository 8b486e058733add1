"""tools/inspect_fusion.py: an image for any config and image, and nothing overwritten in silence."""
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from PIL import Image

ROOT = Path(__file__).parents[2]
SMALL = f"""
_base_ = '{ROOT}/configs/gff/gff_r18-d8_flow_1xb4-1k_street-scenes-192x256.py'
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    decode_head=dict(in_channels=[8, 16, 32, 64], channels=8, merge_channels=8),
    auxiliary_head=dict(in_channels=32, channels=8))
"""


def run(monkeypatch, *arguments):
    spec = importlib.util.spec_from_file_location('inspect_fusion', ROOT / 'tools' / 'inspect_fusion.py')
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    monkeypatch.setattr(sys, 'argv', ['inspect_fusion.py', *map(str, arguments)])
    command.main()


def test_panels_of_an_image_file(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / 'street.png')
    config = tmp_path / 'small.py'
    config.write_text(SMALL)
    model = revert_sync_batchnorm(MODELS.build(Config.fromfile(config).model))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'any.pth')
    image = tmp_path / 'street.png'
    arguments = [config, tmp_path / 'any.pth', '--image', image, '--out', tmp_path / 'out', '--cells']
    run(monkeypatch, *arguments)
    alone = sorted(p.name for p in (tmp_path / 'out' / 'street').iterdir())
    kinds = [name[3:-4] for name in alone]
    assert kinds[:3] == ['image', 'prediction', 'entropy']
    assert {'fusion.level1-gate', 'fusion.level4-gate'} <= set(kinds)
    assert sum(name.endswith('offset') for name in kinds) == 3
    shown = np.array(Image.open(tmp_path / 'out' / 'street' / alone[0]))
    assert np.array_equal(shown, pixels.repeat(4, 0).repeat(4, 1))  # as it was, enlarged to at least 240 rows
    run(monkeypatch, config, tmp_path / 'any.pth', '--image', image, '--out', tmp_path / 'two', '--beside', config,
        tmp_path / 'any.pth')
    two = np.array(Image.open(tmp_path / 'two' / 'street.png'))
    left, right = two[:, :384], two[:, 390:774]  # the image, the other's prediction; below them its own
    assert np.array_equal(left[23:279], shown) and np.array_equal(right[23:279], left[302:558])
    torch.save(dict(state_dict={}), tmp_path / 'none.pth')
    with pytest.raises(SystemExit, match='does not fit this config'):
        run(monkeypatch, config, tmp_path / 'none.pth', *arguments[2:5], tmp_path / 'other')
    with pytest.raises(SystemExit, match='same name'):
        run(monkeypatch, config, tmp_path / 'any.pth', '--image', image, image)
    panel = (tmp_path / 'out' / 'street.png').read_bytes()
    with pytest.raises(SystemExit, match='exists already'):
        run(monkeypatch, *arguments, '--show', 'gate')
    assert (tmp_path / 'out' / 'street.png').read_bytes() == panel
    run(monkeypatch, *arguments[:-1], '--show', 'gate', '--overwrite')
    assert (tmp_path / 'out' / 'street.png').read_bytes() != panel
