"""Faked sets of versions: what works is silent, what is known to break is named with its repair."""
import re
from pathlib import Path

import pytest

from segfusion.diagnosis.environment import Environment, Place, survey
from segfusion.diagnosis.rules import DETECTION, FORK, ORIGINAL, examine, pinned

ROOT = Path(__file__).parents[2]
COMMON = {'ftfy': '6.3.1', 'regex': '2025.1.1', 'segfusion': '0.1.0'}
HERE = {'segfusion': Place('/anywhere/segfusion')}


def fork(python=(3, 11, 7), **changes):
    return fake(FORK, {'numpy': '2.4.6', 'opencv-python': '5.0.0.93', 'setuptools': '84.2.1'}, python, changes)


def original(python=(3, 11, 7), **changes):
    return fake(ORIGINAL, {'setuptools': '69.5.1'}, python, changes)


def fake(row, others, python, changes):
    versions = {**COMMON, **row, **others, **{k.replace('_', '-'): v for k, v in changes.items()}}
    return Environment(python, {k: v for k, v in versions.items() if v}, dict(HERE), torch_cuda='12.1')


@pytest.mark.parametrize('stack', [fork, original])
def test_both_supported_stacks_are_silent(stack):
    assert examine(stack()) == []
    assert stack().fork == (stack is fork)


def test_the_tested_row_is_that_of_the_constraints():
    text = (ROOT / 'constraints.txt').read_text()
    assert DETECTION['mmdet'] in (ROOT / 'tools' / 'original_stack.sh').read_text()
    for name, version in {**FORK, 'onedl-mmdetection': DETECTION['onedl-mmdetection']}.items():
        assert re.search(rf'^{name}=={re.escape(version)};', text, re.M), name


BROKEN = [
    # environment, level, what the sentence has to say, what the command has to do
    (original(mmcv='2.2.0'), 'error', r'mmsegmentation 1\.2\.2 with mmcv 2\.2\.0', r'install .*mmcv==2\.1\.0$'),
    (original(mmcv=None, mmcv_lite='2.2.0'), 'error', r'mmcv-lite 2\.2\.0', r'mmcv-lite==2\.1\.0'),
    (original(setuptools='82.0.0'), 'error', r'mmengine 0\.10\.7.*setuptools 82\.0\.0.*pkg_resources',
     '"setuptools>=70,<82"'),
    (original(setuptools=None), 'error', 'no setuptools.*not installed', '"setuptools>=70,<82"'),
    (original(python=(3, 12, 3), setuptools='60.2.0'), 'error', r'Python 3\.12.*66\.1', '"setuptools>=70,<82"'),
    (original(torch='2.6.0', torchvision='0.21.0'), 'error', r'torch 2\.6\.0 with mmengine 0\.10\.7.*Weights only',
     r'torch==2\.5\.1 torchvision==0\.20\.1'),
    (original(numpy='2.1.0'), 'error', r'torch 2\.1\.2 with numpy 2\.1\.0', r'install "numpy<2"$'),
    (original(numpy='2.1.0', opencv_python='4.12.0.88'), 'error', 'numpy 1', r'"numpy<2" "opencv-python<4\.12"$'),
    (fork(torchvision='0.16.2'), 'error', r'expected torchvision 0\.29', r'torchvision==0\.29\.\*'),
    (original(torchvision='0.17.0'), 'error', r'expected torchvision 0\.16', r'torchvision==0\.16\.\*'),
    (fork(opencv_python='4.9.0.80'), 'error', r'opencv-python 4\.9\.0\.80 with numpy 2',
     r'opencv-python>=4\.10\.0\.84'),
    (fork(mmcv='2.1.0'), 'error', r'onedl-mmcv 2\.3\.6 and mmcv 2\.1\.0 are both installed',
     r'uninstall -y onedl-mmcv mmcv && .*onedl-mmcv==2\.3\.6$'),
    (original(onedl_mmengine='0.10.12'), 'error', 'both installed',
     r'uninstall -y onedl-mmengine mmengine && .* mmengine==0\.10\.7$'),
    (original(mmcv_lite='2.1.0'), 'error', 'mmcv 2.1.0 and mmcv-lite 2.1.0 are both', 'uninstall -y mmcv mmcv-lite'),
    (fork(opencv_python_headless='5.0.0.93'), 'warning', 'both installed',
     'uninstall -y opencv-python opencv-python-headless'),
    (fork(onedl_mmcv=None, mmcv='2.1.0'), 'warning', r'mmcv \(original\) beside onedl-mmengine',
     r'onedl-mmcv==2\.3\.6'),
    (fork(onedl_mmcv=None), 'error', '^mmcv is not installed$', r'install onedl-mmcv==2\.3\.6$'),
    (original(mmsegmentation=None, mmcv=None), 'error', '^mmcv, mmseg are not installed$',
     r'--no-build-isolation mmcv==2\.1\.0 mmsegmentation==1\.2\.2$'),
    (original(ftfy=None), 'error', 'mmseg imports ftfy, which is not installed', 'install ftfy$'),
    (fork(onedl_mim=None), 'warning', 'mim is not installed', r'onedl-mim==0\.5\.1'),
    (fork(onedl_mmpretrain=None), 'warning', 'mmpretrain is not installed', r'onedl-mmpretrain==1\.3\.6'),
    (original(mmcv='1.7.1'), 'error', r'mmcv 1\.7\.1 is too old: expected 2\.0', r'mmcv==2\.1\.0'),
    (fork(onedl_mmengine='0.10.7'), 'error', r'expected onedl-mmengine 0\.10\.8', r'onedl-mmengine==0\.10\.12'),
    (fork(numpy='1.26.4'), 'warning', 'asks for numpy 2', '"numpy>=2"'),
    (fork(torch='1.13.1', torchvision='0.14.1'), 'error', r'torch 1\.13\.1 is too old', r'torch==2\.14\.0'),
    (fork(python=(3, 9, 1)), 'error', r'Python 3\.9\.1 is too old', 'venv'),
]


@pytest.mark.parametrize('env, level, text, fix', BROKEN, ids=lambda x: x[:40] if isinstance(x, str) else '')
def test_known_breakage_is_named_with_its_repair(env, level, text, fix):
    found = [f for f in examine(env) if re.search(text, f.text)]
    assert len(found) == 1, examine(env)
    assert found[0].level == level and re.search(fix, found[0].fix), found[0]


def test_errors_come_first():
    levels = [f.level for f in examine(fork(onedl_mim=None, torchvision='0.16.2'))]
    assert levels == ['error', 'warning']


def test_cpu_build_beside_a_gpu():
    env = fork()
    env.driver, env.torch_cuda = '550.1', None
    assert [f.level for f in examine(env)] == ['warning'] and 'CPU build' in examine(env)[0].text


def test_mmdetection_with_operators_is_fine_and_without_is_said():
    env = fork(onedl_mmdetection='3.5.1')
    assert [(f.level, f.fix) for f in examine(env)] == [('warning', 'tools/compiled_ops.sh')]
    assert 'onedl-mmdetection 3.5.1: it needs the compiled operators' in examine(env)[0].text
    env.compiled_ops = True
    assert examine(env) == []


def test_original_mmdetection_breaks_mmseg_on_newer_mmcv():
    env = fork(mmdet='3.3.0')
    (finding, ) = examine(env)
    assert finding.level == 'error' and 'mmdet 3.3.0 with onedl-mmcv 2.3.6: mmseg imports mmdet' in finding.text
    assert finding.fix == 'python -m pip uninstall -y mmdet && python -m pip install onedl-mmdetection==3.5.1'
    env = original(mmdet='3.3.0')
    env.compiled_ops = True
    assert examine(env) == []


def test_package_that_is_not_installed():
    env = fork()
    env.places = {}
    assert [f.fix for f in examine(env)] == ['python -m pip install --no-deps -e .']


def test_files_of_another_version_than_installed():
    env = original()
    env.places['mmcv'] = Place('/x/site-packages/mmcv', '2.2.0')
    assert 'are mmcv 2.2.0, but mmcv 2.1.0' in examine(env)[0].text


def test_stack_without_openmmlab_is_told_by_torch():
    assert pinned(Environment(versions={'torch': '2.1.2'}), 'mmseg').endswith('mmsegmentation==1.2.2')
    assert pinned(Environment(versions={'torch': '2.9.0'}), 'mmseg').endswith('onedl-mmsegmentation==1.4.2')


def install(folder, name, version, package=None, files=()):
    info = folder / f'{name.replace("-", "_")}-{version}.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n')
    if package:
        (folder / package).mkdir(exist_ok=True)
        (folder / package / '__init__.py').write_text('raise RuntimeError("must not be imported")')
        for file, text in files:
            (folder / package / file).write_text(text)


def test_survey_reads_without_importing(tmp_path):
    install(tmp_path, 'torch', '2.1.2', 'torch', [('version.py', "cuda: Optional[str] = '12.1'\n")])
    install(tmp_path, 'Onedl_MMCV', '2.3.6', 'mmcv', [('version.py', "__version__ = '2.1.0'\n"), ('_ext.so', '')])
    install(tmp_path, 'mmcv', '2.1.0')
    env = survey([str(tmp_path)])
    assert env.versions == {'torch': '2.1.2', 'onedl-mmcv': '2.3.6', 'mmcv': '2.1.0'}
    assert env.torch_cuda == '12.1' and env.compiled_ops
    assert env.places['mmcv'] == Place(str(tmp_path / 'mmcv'), '2.1.0') and 'mmseg' not in env.places
    assert any('both installed' in f.text for f in examine(env))


def test_the_first_of_two_copies_counts(tmp_path):
    for name, version in (('a', '2.9.0'), ('b', '2.1.2')):
        (tmp_path / name).mkdir()
        install(tmp_path / name, 'torch', version)
    assert survey([str(tmp_path / 'a'), str(tmp_path / 'b')]).at('torch') == (2, 9, 0)
