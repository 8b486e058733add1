"""The command, in environments that work, lack everything, or die half-way."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from segfusion.diagnosis.live import read_steps, remedy
from segfusion.diagnosis.report import advice_lines
from segfusion.diagnosis.rules import Finding

ROOT = Path(__file__).parents[2]


def doctor(*arguments, isolated=False):
    flags = ['-I', '-S'] if isolated else []  # -S: no site-packages, so nothing is installed
    return subprocess.run([sys.executable, *flags, 'tools/doctor.py', *arguments], cwd=ROOT, text=True,
                          capture_output=True)


def test_runs_where_nothing_is_installed():
    result = doctor('--versions-only', isolated=True)
    assert result.returncode == 1 and not result.stderr
    assert 'torch, torchvision, mmengine, mmcv, mmseg, numpy, cv2 are not installed' in result.stdout
    assert 'pip install torch==2.14.0 torchvision==0.29.2 onedl-mmengine==0.10.12' in result.stdout


def test_runs_from_where_a_wheel_puts_it(tmp_path):
    package = tmp_path / 'segfusion'
    shutil.copytree(ROOT / 'custom_modules' / 'segfusion' / 'diagnosis', package / 'diagnosis')
    shutil.copytree(ROOT / 'tools', package / '.mim' / 'tools')
    command = [sys.executable, '-I', '-S', str(package / '.mim' / 'tools' / 'doctor.py'), '--versions-only']
    result = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True)
    assert 'broken; repair the first one' in result.stdout and not result.stderr


def test_missing_data_folder_is_named(tmp_path):
    environment = dict(os.environ, CAMVID_ROOT=str(tmp_path / 'nowhere'))
    config = 'configs/sfnet/sfnet_r18-v1c_1xb8-20k_camvid-360x480.py'
    result = subprocess.run([sys.executable, 'tools/doctor.py', config], cwd=ROOT, text=True, capture_output=True,
                            env=environment)
    assert result.returncode == 1 and f'FAIL  data sets          CAMVID_ROOT={tmp_path}/nowhere: no such folder' in \
        result.stdout
    assert f'FAIL  config data        expected folders that do not exist: train: {tmp_path}/nowhere/train' in \
        result.stdout
    assert 'ok    config builds' in result.stdout


def test_a_misspelt_config_is_found_and_fails(tmp_path):
    config = tmp_path / 'c.py'
    config.write_text(f"_base_ = '{ROOT}/configs/sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py'\n"
                      "model = dict(decode_head=dict(type='SFNetHaed', allign=None))\n")
    result = doctor(str(config))
    assert result.returncode == 1, result.stdout + result.stderr
    assert "'SFNetHaed' is not registered; did you mean 'SFNetHead' (segfusion.models.decode_heads.sfnet_head)?" \
        in result.stdout
    for step in ('ok    torch', 'ok    OpenMMLab', 'ok    package', 'ok    config loads', 'FAIL  config names'):
        assert step in result.stdout


def test_a_process_that_dies_is_named_by_its_step():
    steps = read_steps('@doctor "torch"\n@doctor {"name": "torch", "status": "ok", "text": "fine", "fix": ""}\n'
                       'noise\n@doctor "OpenMMLab"\n', 'Segmentation fault', -11)
    assert [(s.name, s.status) for s in steps] == [('torch', 'ok'), ('OpenMMLab', 'error')]
    assert 'signal 11' in steps[1].text and 'Segmentation fault' in steps[1].text
    assert [s.status for s in read_steps('', '', 0)] == []


def test_messages_of_known_failures_have_a_repair():
    cases = {
        'ImportError: libGL.so.1: cannot open shared object file': 'opencv-python-headless',
        "No module named 'pkg_resources'": '"setuptools>=70,<82"',
        'RuntimeError: Numpy is not available': '"numpy<2"',
        "AssertionError: MMCV==2.2.0 is used but incompatible. Please install mmcv>=2.0.0rc4.": 'mmcv==2.1.0',
        "No module named 'mmcv._ext'": 'nothing of ours needs compiled operators',
        "No module named 'segfusion'": 'install --no-deps -e .',
        "No module named 'prettytable'": 'pip install prettytable',
    }
    for text, repair in cases.items():
        assert repair in remedy(text), text
    assert remedy('something nobody has seen') == ''


def test_what_is_said_already_is_not_said_again():
    step = read_steps('@doctor {"name": "torch", "status": "error", "text": "No module named \'torch\'", '
                      '"fix": "pip install torch"}', '', 0)
    lines = '\n'.join(advice_lines([Finding('error', 'torch is not installed', 'pip install torch==2.14.0')], step))
    assert lines.count('fix:') == 1 and '2 broken' in lines
