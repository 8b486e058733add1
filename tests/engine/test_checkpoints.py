"""Every way a checkpoint is read refuses to run what is in it, and says in a sentence what is wrong with the file."""
import os
import pickle
import runpy
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import CheckpointLoader

from segfusion.convert import convert_file
from segfusion.deploy import load_segmentor
from segfusion.engine.checkpoints import TRUST, CheckpointError, read_checkpoint
from tests.optional import needs_torch

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs' / 'sfnet' / 'sfnet_r18_1xb4-demo_street-scenes-128x192.py')
needs_names = needs_torch('2.6', 'PyTorch < 2.6 cannot be told what is harmless')


class Bomb:

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target, )


class Logger:
    pass


@pytest.fixture
def bomb(tmp_path):
    path = tmp_path / 'bomb.pth'
    torch.save(dict(state_dict={'a': torch.zeros(2)}, meta=Bomb(tmp_path / 'boom')), path)
    return path


def cut(tmp_path, size=900, **kwargs):
    torch.save({'a': torch.zeros(1000)}, tmp_path / 'whole', **kwargs)
    return (tmp_path / 'whole').read_bytes()[:size]


def archive(tmp_path, kind):
    (tmp_path / 'readme.txt').write_text('weights')
    path = tmp_path / 'archive'
    with (tarfile.open(path, 'w') if kind == 'tar' else zipfile.ZipFile(path, 'w')) as file:
        (file.add if kind == 'tar' else file.write)(tmp_path / 'readme.txt', 'readme.txt')
    return path.read_bytes()


def safetensors():
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return len(header).to_bytes(8, 'little') + header + bytes(4)


FOREIGN = {
    'is empty': lambda _: b'',
    'is a web page': lambda _: b'\n<!DOCTYPE html><html>Sign in</html>',
    'pointer of Git LFS': lambda _: b'version https://git-lfs.github.com/spec/v1\noid sha256:00\n',
    'cut off or damaged': cut,
    r'cut off or damaged \(': lambda folder: cut(folder, 1500, _use_new_zipfile_serialization=False),
    'cut off or damaged .UnpicklingError': lambda _: np.random.RandomState(0).bytes(3000),
    'is a tar archive': lambda folder: archive(folder, 'tar'),
    r'zip archive of something else \(readme.txt\)': lambda folder: archive(folder, 'zip'),
    'is a safetensors file.*load_file': lambda _: safetensors(),
    'is an HDF5 file': lambda _: b'\x89HDF\r\n\x1a\n' + bytes(100),
    'no checkpoint': lambda _: b'hello, these are my weights\n',
}


@pytest.mark.parametrize('says', FOREIGN)
def test_foreign_files_are_named(tmp_path, says):
    path = tmp_path / 'file.pth'
    path.write_bytes(FOREIGN[says](tmp_path))
    with pytest.raises(CheckpointError, match=says) as caught:
        read_checkpoint(str(path))
    assert str(caught.value).startswith(str(path)) and '\n' not in str(caught.value)


@pytest.mark.parametrize('value', [[torch.zeros(1)], torch.zeros(1)], ids=['list', 'tensor'])
def test_other_contents_are_named(tmp_path, value):
    torch.save(value, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match=f'of type {type(value).__name__}: expected a dictionary'):
        read_checkpoint(str(tmp_path / 'file.pth'))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='no checkpoint at'):
        read_checkpoint(str(tmp_path / 'none.pth'))


@pytest.mark.parametrize('form', ['zip', 'legacy', 'pickle', 'pickle5'])
def test_what_would_run_is_named_and_does_not_run(tmp_path, form):
    content, path = dict(state_dict={'a': torch.zeros(2)}, meta=Bomb(tmp_path / 'boom')), tmp_path / 'file.pth'
    if form.startswith('pickle'):
        path.write_bytes(pickle.dumps(dict(meta=Bomb(tmp_path / 'boom')), protocol=5 if form == 'pickle5' else 2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == 'zip')
    with pytest.raises(CheckpointError, match=rf'plain values: {os.mkdir.__module__}\.mkdir\..*--trust.*{TRUST}=1'):
        read_checkpoint(str(path))
    assert not (tmp_path / 'boom').exists()


def test_trust_goes_on(bomb, tmp_path, monkeypatch):
    assert 'state_dict' in read_checkpoint(str(bomb), trust=True) and (tmp_path / 'boom').exists()
    (tmp_path / 'boom').rmdir()
    monkeypatch.setenv(TRUST, '1')
    assert 'state_dict' in read_checkpoint(str(bomb)) and (tmp_path / 'boom').exists()


@needs_names
def test_getattr_in_a_file_reaches_nothing_but_statistics(tmp_path):
    """Checkpoints of mmengine need ``getattr`` for three methods; handing out the real one would open every module."""

    class Reach:

        def __reduce__(self):
            return getattr, (HistoryBuffer, '__init__')

    torch.save({'a': Reach()}, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match='getattr'):
        read_checkpoint(str(tmp_path / 'file.pth'))


@needs_names
def test_checkpoints_of_the_stock_hook_are_read(tmp_path):
    hub = MessageHub('stock')
    hub.update_scalar('train/loss', 1.5)
    hub.update_info('best', np.float64(0.25))
    torch.save(dict(state_dict={'a': torch.ones(2)}, message_hub=hub.state_dict(),
                    meta=dict(seed=np.int64(3), means=np.arange(3.))), tmp_path / 'iter_1.pth')
    loaded = read_checkpoint(str(tmp_path / 'iter_1.pth'))
    assert loaded['message_hub']['log_scalars']['train/loss'].current() == 1.5
    assert loaded['meta']['seed'] == 3 and loaded['meta']['means'].tolist() == [0, 1, 2]
    assert loaded['state_dict']['a'].tolist() == [1, 1]


def test_files_of_before_the_renaming_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(Logger, '__module__', 'custom_modules.engine')
    monkeypatch.setitem(sys.modules, 'custom_modules', sys.modules[__name__])
    monkeypatch.setitem(sys.modules, 'custom_modules.engine', sys.modules[__name__])
    torch.save({'a': Logger()}, tmp_path / 'old.pth')
    with pytest.raises(CheckpointError, match='renamed from custom_modules to segfusion'):
        read_checkpoint(str(tmp_path / 'old.pth'))


def tool(name, *arguments):
    """A command of ours in this process: what it prints, its exit code and what it leaves behind."""

    def run(monkeypatch):
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(ROOT / 'tools' / f'{name}.py'), run_name='__main__')
        return left.value.code

    return run


def command(name, path, folder):
    return {
        'predict': tool('predict', ROOT / 'docs/images/demo.png', folder / 'out', '--config', CONFIG, '--checkpoint',
                        path),
        'export_onnx': tool('export_onnx', CONFIG, path, folder / 'out.onnx'),
        'inspect_fusion': tool('inspect_fusion', CONFIG, path, '--out', folder / 'out', '--image',
                               ROOT / 'docs/images/demo.png'),
        'convert_checkpoint': tool('convert_checkpoint', '--config', CONFIG, path, folder / 'out.pth'),
        'test': tool('test', CONFIG, path, '--work-dir', folder / 'out'),
    }[name]


@pytest.mark.parametrize('name', ['predict', 'export_onnx', 'inspect_fusion', 'convert_checkpoint', 'test'])
def test_commands_refuse_in_a_sentence(bomb, tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(TRUST, raising=False)
    for path, says in ((bomb, '.mkdir. Reading that may run code'), (tmp_path / 'empty.pth', 'is empty: download')):
        path.touch()
        code = command(name, path, tmp_path)(monkeypatch)
        said = capsys.readouterr().err + (code if isinstance(code, str) else '')
        assert code and f'{name}: {path}' in said and says in said, said
    assert not (tmp_path / 'boom').exists()


def test_commands_go_on_with_trust(bomb, tmp_path, monkeypatch, capsys):
    """The file is then read, and found not to fit."""
    monkeypatch.setenv(TRUST, '')  # so that it is put back
    code = tool('predict', ROOT / 'docs/images/demo.png', tmp_path / 'out', '--config', CONFIG, '--checkpoint', bomb,
                '--trust')(monkeypatch)
    assert code == 1 and 'does not fit this config' in capsys.readouterr().err and (tmp_path / 'boom').exists()


def test_readers_of_the_host_refuse_too(bomb, tmp_path):
    from mmseg.apis import init_model
    for read in (lambda: init_model(CONFIG, str(bomb), device='cpu'), lambda: load_segmentor(CONFIG, str(bomb)),
                 lambda: CheckpointLoader.load_checkpoint(str(bomb)),
                 lambda: convert_file(CONFIG, str(bomb), str(tmp_path / 'new.pth'))):
        with pytest.raises(CheckpointError, match='may run code'):
            read()
    assert not (tmp_path / 'boom').exists()


def test_downloads_are_read_the_same_way(bomb, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    fetched = []

    def download(address, path, **kwargs):
        fetched.append(address)
        Path(path).write_bytes(bomb.read_bytes())

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        with pytest.raises(CheckpointError, match='may run code'):
            CheckpointLoader.load_checkpoint('https://example.org/weights/bomb.pth?download=1')
    assert fetched == ['https://example.org/weights/bomb.pth?download=1']
    assert (tmp_path / 'hub' / 'checkpoints' / 'bomb.pth').exists() and not (tmp_path / 'boom').exists()
