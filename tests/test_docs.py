"""What the tutorials print runs as it is printed."""
import re
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS

from segfusion.models.expose import watch

ROOT = Path(__file__).parents[1]
SWAP = (ROOT / 'docs/tutorials/swap_one_part.md').read_text()


def block(page, name):
    return re.search(rf'<!-- example: {name} -->\n```python\n(.*?)```', page, re.S).group(1)


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / 'my_fusion.py').write_text(block(SWAP, 'module'))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop('my_fusion', None)
    MODELS.module_dict.pop('GatedSumFusion', None)


@pytest.mark.parametrize('name, kind, slot', [
    ('config swap', 'DeformableAlign', 'aligns'),
    ('config gate-and-crf', 'DuplexGateFusion', 'fusions'),
    ('config own', 'GatedSumFusion', 'fusions'),
])
def test_swapping_one_part(name, kind, slot, tmp_path, own_module):
    path = tmp_path / 'my_config.py'
    path.write_text(block(SWAP, name).replace("'configs/", f"'{ROOT}/configs/"))
    model = revert_sync_batchnorm(MODELS.build(Config.fromfile(path).model)).eval()
    assert [type(part).__name__ for part in getattr(model.decode_head, slot)] == [kind] * 3
    with torch.no_grad(), watch(model) as seen:
        assert torch.isfinite(model(torch.randn(1, 3, 65, 97))).all()
    if name == 'config own':
        assert 0 < seen['decode_head.fusions.0.gate'].mean() < 1


def test_links_and_commands_of_the_pages_exist():
    for page in ROOT.glob('docs/**/*.md'):
        if {'generated', '_build'} & set(page.parts) or page.name == 'bad_inputs.md':
            continue
        text = page.read_text()
        for target in re.findall(r'\]\(([^)#\s]+)', text):
            if '://' not in target and 'generated/' not in target:
                assert (page.parent / target).exists(), f'{page}: {target}'
        for path in re.findall(r'(?<![/\w.])(?:configs|tools|benchmarks)/[\w./-]+\.py', text):
            assert (ROOT / path).exists(), f'{page}: {path}'
