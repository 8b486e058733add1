"""What ``mim`` reads is complete: every config is listed, every listed file exists."""
from pathlib import Path

import pytest
import yaml

from segfusion.study.records import trained_configs

ROOT = Path(__file__).parents[1]
METHODS = sorted({p.parent for p in ROOT.glob('configs/*/*.py')} - {ROOT / 'configs' / '_base_'})


@pytest.mark.parametrize('folder', METHODS, ids=lambda p: p.name)
def test_metafile_lists_every_config(folder):
    content = yaml.safe_load((folder / 'metafile.yaml').read_text())
    collection = content['Collections'][0]
    assert (ROOT / collection['README']).exists() and collection['Paper']['URL'].startswith('https://')
    listed = {model['Config'] for model in content['Models']}
    assert listed == {str(p.relative_to(ROOT)) for p in folder.glob('*.py')}, 'run tools/update_metafiles.py'
    assert all(m['Name'] == Path(m['Config']).stem and m['In Collection'] == collection['Name']
               for m in content['Models'])


def test_index_lists_every_metafile():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    assert index['Import'] == sorted(f'configs/{p.name}/metafile.yaml' for p in METHODS)


@pytest.mark.parametrize('folder', METHODS, ids=lambda p: p.name)
def test_readme_is_in_mmsegs_order(folder):
    text = (folder / 'README.md').read_text()
    headings = [line[3:] for line in text.splitlines() if line.startswith('## ')]
    wanted = ['Introduction', 'Abstract', 'Results', 'Usage', 'Citation']
    assert [h for h in headings if h in wanted] == wanted
    assert '<!-- [ALGORITHM] -->' in text and 'https://arxiv.org/' in text
    for config in folder.glob('*.py'):
        assert config.name in text or 'bilinear' in config.name or 'street-scenes' in config.name, config.name


def test_metafiles_have_the_scores_of_trained_configs():
    models = {m['Name']: m for p in ROOT.glob('configs/*/metafile.yaml')
              for m in yaml.safe_load(p.read_text())['Models']}
    trained = trained_configs(ROOT / 'projects')
    assert trained
    for name, score in trained.items():
        if name not in models:  # a config of the project itself
            assert list((ROOT / 'projects').glob(f'*/configs/{name}.py'))
            continue
        assert models[name]['Results']['Metrics']['mIoU'] == round(score.mean, 2), 'run tools/update_metafiles.py'
