"""What travels in a wheel."""
import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import segfusion

ROOT = Path(__file__).parents[1]


def test_a_wheel_holds_what_mim_looks_for(tmp_path):
    subprocess.run([sys.executable, 'setup.py', '-q', 'build_py', '--build-lib', str(tmp_path / 'lib')], cwd=ROOT,
                   check=True, capture_output=True)
    package = tmp_path / 'lib' / 'segfusion'
    for folder in ('configs', 'tools'):
        ours = {p.relative_to(ROOT) for p in (ROOT / folder).rglob('*.py') if '__pycache__' not in p.parts}
        shipped = {p.relative_to(package / '.mim') for p in (package / '.mim' / folder).rglob('*.py')}
        assert shipped == ours and ours
    assert (package / '.mim' / 'model-index.yml').read_text() == (ROOT / 'model-index.yml').read_text()
    source = ROOT / 'custom_modules'
    weights = {p.name: p.stat().st_size for p in (source / 'segfusion' / 'weights').glob('*')}
    assert {p.name: p.stat().st_size for p in (package / 'weights').glob('*')} == weights
    modules = {p.relative_to(source) for p in source.rglob('*.py') if '.mim' not in p.parts}
    assert {p.name for p in (tmp_path / 'lib').iterdir()} == {'segfusion'}
    code = ("import segfusion; from segfusion.deploy.zoo import _find; assert segfusion.list_models('sfnet*'); "
            "print(_find('enet')); assert segfusion.get_model('enet', 3).num_classes == 3")
    environment = {**os.environ, 'PYTHONPATH': str(package.parent)}
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, env=environment, check=True, capture_output=True,
                          text=True)
    assert str(package / '.mim' / 'configs') in done.stdout
    assert modules == {p.relative_to(tmp_path / 'lib') for p in package.rglob('*.py') if '.mim' not in p.parts}


def test_mim_finds_the_configs_of_an_installed_wheel(tmp_path):
    pip = [sys.executable, '-m', 'pip', '-q', '--disable-pip-version-check']
    shutil.copytree(ROOT, tmp_path / 'source', ignore=shutil.ignore_patterns(
        '.git', '.venv*', 'work_dirs', 'data', 'build', 'tests', 'docs', '*.egg-info', '.mim'))
    subprocess.run([*pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', str(tmp_path), str(tmp_path / 'source')],
                   check=True, capture_output=True)
    (wheel, ) = tmp_path.glob('*.whl')
    subprocess.run([*pip, 'install', '--no-deps', '--target', str(tmp_path / 'site'), str(wheel)], check=True,
                   capture_output=True)
    assert {p.name.split('-')[0] for p in (tmp_path / 'site').iterdir()} == {'segfusion'}
    code = "from mim.utils import get_installed_path; print(get_installed_path('segfusion'))"
    found = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, check=True, capture_output=True, text=True,
                           env={**os.environ, 'PYTHONPATH': str(tmp_path / 'site')}).stdout.splitlines()[-1]
    assert Path(found).is_relative_to(tmp_path / 'site')
    assert (Path(found) / '.mim' / 'tools' / 'train.py').exists()
    assert len(list(Path(found).glob('.mim/configs/*/*.py'))) == len(list(ROOT.glob('configs/*/*.py')))


def test_importing_twice_is_harmless():
    code = ('import importlib, segfusion; segfusion.register_all(); importlib.reload(segfusion); '
            'segfusion.register_all(); from mmseg.registry import MODELS; '
            "assert MODELS.get('SFNetHead') is segfusion.models.decode_heads.SFNetHead")
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT, capture_output=True)


def test_version_is_stated_once():
    assert segfusion.__version__ in (ROOT / 'CHANGELOG.md').read_text()


def test_what_is_imported_is_declared():
    text = '\n'.join(line.split('#')[0] for line in (ROOT / 'requirements.txt').read_text().splitlines())
    declared = set(re.findall(r'^[\w-]+', text, re.M))
    named = dict(PIL='pillow', cv2='opencv-python', mmcv='onedl-mmcv', mmengine='onedl-mmengine',
                 mmseg='onedl-mmsegmentation', yaml='pyyaml')
    imported = set()
    for path in [*(ROOT / 'custom_modules').rglob('*.py'), *(ROOT / 'tools').glob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split('.')[0])
    # extras "onnx", "datasets" and "numba", which brings llvmlite; torch brings triton on Linux
    imported -= {*sys.stdlib_module_names, 'segfusion', 'onnx', 'onnxruntime', 'h5py', 'scipy', 'numba', 'llvmlite',
                 'triton'}
    assert {named.get(name, name) for name in imported} <= declared
