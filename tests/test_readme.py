"""The worked example of the README runs as it is printed."""
import re
import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from PIL import Image

ROOT = Path(__file__).parents[1]


def block(name):
    text = (ROOT / 'README.md').read_text()
    return re.search(rf'<!-- example: {name} -->\n```python\n(.*?)```', text, re.S).group(1)


def test_own_module_and_config(tmp_path, monkeypatch):
    (tmp_path / 'my_fusion.py').write_text(block('module'))
    (tmp_path / 'my_config.py').write_text(block('config').replace("'configs/", f"'{ROOT}/configs/"))
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        config = Config.fromfile(tmp_path / 'my_config.py')
        model = revert_sync_batchnorm(MODELS.build(config.model)).eval()
        assert [type(f).__name__ for f in model.decode_head.fusions] == ['GatedSumFusion'] * 3
        with torch.no_grad():
            assert torch.isfinite(model(torch.randn(1, 3, 65, 97))).all()
    finally:
        sys.modules.pop('my_fusion', None)
        MODELS.module_dict.pop('GatedSumFusion', None)


def test_network_by_name(tmp_path, monkeypatch):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (65, 97, 3), np.uint8)).save(tmp_path / 'street.png')
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block('network'), names)
    assert names['labels'].shape == (1, 65, 97) and names['labels'].max() < 11


def test_parts_are_modules():
    names = dict(coarse=torch.randn(2, 64, 5, 7), fine=torch.randn(2, 64, 9, 13), logits=torch.randn(1, 11, 9, 13),
                 image=torch.rand(1, 3, 9, 13) * 255)
    exec(block('parts'), names)
    assert names['merged'].shape == (2, 64, 9, 13) and names['refined'].shape == (1, 11, 9, 13)
    assert names['align'].training and all(p.requires_grad for p in names['fuse'].parameters())
    names['merged'].mean().backward()
    assert all(p.grad is not None for part in ('align', 'fuse') for p in names[part].parameters())


def test_the_readme_is_short_and_its_links_hold():
    text = (ROOT / 'README.md').read_text()
    assert len(text.encode()) <= 7000
    for target in re.findall(r'\]\(([^)#\s]+)', text):
        assert '://' in target or (ROOT / target).exists(), target


def test_commands_of_the_readme_exist():
    text = (ROOT / 'README.md').read_text()
    for path in re.findall(r'(?:configs|tools|benchmarks)/[\w./-]+\.py', text):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'make (\w+)', text):
        assert re.search(rf'^{target}:', makefile, re.M), target
