import os
import resource

import pytest

from segfusion.convert import files as convert_files
from segfusion.datasets.files import progress, write_whole
from segfusion.deploy import export
from segfusion.engine import hooks
from segfusion.engine.hooks import AtomicBackend
from segfusion.study import state


@pytest.fixture
def small_disk():
    """The system refuses the 101st byte of every file, as it does the first one when a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize('write', [write_whole, lambda path, data: AtomicBackend().put(data, str(path))])
def test_a_full_disk_keeps_the_old_file_and_nothing_else(tmp_path, small_disk, write):
    write(tmp_path / 'iter_1.pth', b'whole')
    with pytest.raises(OSError):
        write(tmp_path / 'iter_1.pth', bytes(101))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [('iter_1.pth', b'whole')]


def test_an_interrupt_before_the_rename_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / 'x.png', b'data')
    assert not list(tmp_path.iterdir())


def test_the_data_are_on_the_disk_before_they_get_their_name(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, 'fsync', lambda handle: done.append(os.fstat(handle).st_size) or sync(handle))
    monkeypatch.setattr(os, 'replace', lambda a, b: done.append('renamed') or replace(a, b))
    write_whole(str(tmp_path / 'x.txt'), 'Straße')
    assert done == [7, 'renamed'] and (tmp_path / 'x.txt').read_text('utf-8') == 'Straße'


def test_others_may_read_what_is_written(tmp_path):
    mask = os.umask(0o022)
    try:
        write_whole(tmp_path / 'x', b'')
    finally:
        os.umask(mask)
    assert (tmp_path / 'x').stat().st_mode & 0o777 == 0o644


def test_there_is_one():
    others = (convert_files, export, hooks.atomic_checkpoint_hook, state)
    assert {module.write_whole for module in others} == {write_whole}


def test_progress_says_what_and_yields_all(capsys):
    assert list(progress(range(3), 'counting [red]' + 'x' * 100)) == [0, 1, 2]
    line, bar = capsys.readouterr().out.rstrip().split('\n')
    assert line == 'counting [red]' + 'x' * 100 and '100%' in bar
    assert list(progress(['a'], 'counting', quiet=True)) == ['a'] and not capsys.readouterr().out
