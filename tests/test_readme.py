"""The worked example of the README runs as it is printed."""
import re
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS

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


def test_commands_of_the_readme_exist():
    text = (ROOT / 'README.md').read_text()
    for path in re.findall(r'(?:configs|tools|benchmarks)/[\w./-]+\.py', text):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'make (\w+)', text):
        assert re.search(rf'^{target}:', makefile, re.M), target
