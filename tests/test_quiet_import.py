"""What the forks of mmseg and mmpretrain print while they are imported stays out of the commands' output."""
import subprocess
import sys

import mmengine.logging

import segfusion  # noqa: F401


def run(code):
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)


def test_importing_the_package_prints_nothing():
    done = run('import segfusion')
    assert (done.returncode, done.stdout) == (0, ''), done.stderr


def test_print_log_is_as_before():
    assert mmengine.logging.print_log is mmengine.logging.logger.print_log
    taken = [name for name, module in list(sys.modules.items())
             if 'above_debug' in repr(getattr(module, '__dict__', {}).get('print_log'))]
    assert not taken
    done = run("import segfusion, logging; from mmengine.logging import print_log; print_log('x', level=logging.DEBUG)")
    assert done.stdout == 'x\n'


def test_other_messages_and_errors_pass(tmp_path):
    """A stand-in for mmseg.datasets that prints at three levels, then fails."""
    (tmp_path / 'mmseg').mkdir()
    (tmp_path / 'mmseg' / '__init__.py').write_text('')
    (tmp_path / 'mmseg' / 'datasets.py').write_text(
        'import logging\nfrom mmengine.logging import print_log\n'
        "print_log('debug', level=logging.DEBUG)\nprint_log('info')\nprint_log('warning', level=logging.WARNING)\n"
        "raise ImportError('broken installation')\n")
    done = run(f'import sys; sys.path.insert(0, {str(tmp_path)!r}); import segfusion')
    assert done.stdout == 'info\nwarning\n'
    assert done.returncode == 1 and 'broken installation' in done.stderr
