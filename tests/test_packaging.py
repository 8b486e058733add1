"""What travels in a wheel."""
import subprocess
import sys
from pathlib import Path

import custom_modules

ROOT = Path(__file__).parents[1]


def test_a_wheel_holds_what_mim_looks_for(tmp_path):
    subprocess.run([sys.executable, 'setup.py', '-q', 'build_py', '--build-lib', str(tmp_path / 'lib')], cwd=ROOT,
                   check=True, capture_output=True)
    package = tmp_path / 'lib' / 'custom_modules'
    for folder in ('configs', 'tools'):
        ours = {p.relative_to(ROOT) for p in (ROOT / folder).rglob('*.py') if '__pycache__' not in p.parts}
        shipped = {p.relative_to(package / '.mim') for p in (package / '.mim' / folder).rglob('*.py')}
        assert shipped == ours and ours
    assert (package / '.mim' / 'model-index.yml').read_text() == (ROOT / 'model-index.yml').read_text()
    modules = {p.relative_to(ROOT) for p in (ROOT / 'custom_modules').rglob('*.py') if '.mim' not in p.parts}
    assert modules == {p.relative_to(tmp_path / 'lib') for p in package.rglob('*.py') if '.mim' not in p.parts}


def test_importing_twice_is_harmless():
    code = ('import importlib, custom_modules; custom_modules.register_all(); importlib.reload(custom_modules); '
            'custom_modules.register_all(); from mmseg.registry import MODELS; '
            "assert MODELS.get('SFNetHead') is custom_modules.decode_heads.SFNetHead")
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT, capture_output=True)


def test_version_is_stated_once():
    assert custom_modules.__version__ in (ROOT / 'CHANGELOG.md').read_text()
