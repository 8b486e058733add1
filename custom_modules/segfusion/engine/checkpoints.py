"""The one reader of checkpoint files: nothing in a file is executed, and what is wrong with it is one sentence.

Importing this module makes it mmengine's reader too, by ``CheckpointLoader.register_scheme``: ``mim test``,
``--resume``, ``load_from``, ``init_cfg=dict(type='Pretrained')`` and ``mmseg.apis.init_model`` read files and addresses
through it.
"""
import io
import os
import os.path as osp
import pickletools
import re
import warnings
import zipfile
from contextlib import nullcontext
from pickle import UnpicklingError
from typing import Dict, Iterator, List, Optional
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.dist import barrier, is_main_process
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.utils import digit_version

TRUST = 'SEGFUSION_TRUST_CHECKPOINTS'  # environment variable: what --trust is for commands that are not ours
# first bytes of what else is called .pth, and what to do about it
OTHERS = (
    (b'<', 'is a web page: the server asked for something first; open the address in a browser'),
    (b'version https://git-lfs', 'is a pointer of Git LFS: get the file itself by `git lfs pull`'),
    (b'\x1f\x8b', 'is a gzip archive: unpack it first'),
    (b'7z\xbc\xaf', 'is a 7z archive: unpack it first'),
    (b'Rar!', 'is a RAR archive: unpack it first'),
    (b'\x89HDF', 'is an HDF5 file, as Keras and Caffe write them: expected one that torch.save wrote'),
    (b'\x93NUMPY', 'is an array of numpy: expected a file that torch.save wrote'),
)
PLAIN = re.compile(r'torch\._utils\._rebuild_\w+|torch\.\w*Storage|collections\.OrderedDict')  # every PyTorch reads it
# what tensors and mmengine's hooks name in a file; the reader itself is stricter, this only chooses what to report
USUAL = re.compile(PLAIN.pattern + r'|torch\.storage\.\w+|torch\.(Size|device)|'
                   r'torch\.(b?float|u?int)\d+|collections\.\w+|numpy\.(_?core\.multiarray\.\w+|ndarray|dtype)|'
                   r'_codecs\.encode|mmengine\.logging\.history_buffer\.HistoryBuffer|builtins\.getattr')
SAFETENSORS = ("is a safetensors file: make a checkpoint of it by python -c \"import torch, safetensors.torch as s; "
               "torch.save(s.load_file('{name}'), '{stem}_torch.pth')\"")


class CheckpointError(ValueError):
    """A file is no checkpoint, is damaged, or may run code while it is read."""


def read_checkpoint(path: str, trust: Optional[bool] = None, map_location='cpu') -> Dict:
    """The dictionary in a checkpoint file.

    Tensors and plain values are read, and what mmengine's own ``CheckpointHook`` writes besides (numpy numbers and
    ``HistoryBuffer``; with PyTorch 2.6 or newer). Everything else could run code while it is read.

    Args:
        path: The file.
        trust: Let the file run code. Defaults to whether the environment variable ``SEGFUSION_TRUST_CHECKPOINTS`` is 1.
        map_location: As in ``torch.load``.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is no checkpoint, is damaged, or holds more than tensors and plain values.
    """
    path = osp.expanduser(path)
    if not osp.isfile(path):
        raise FileNotFoundError(f'no checkpoint at {path}')
    other = _other_kind(path)
    if other:
        raise CheckpointError(f'{path} {other}')
    trust = os.environ.get(TRUST) == '1' if trust is None else trust
    try:
        with warnings.catch_warnings(), nullcontext() if trust else _allowed():
            warnings.filterwarnings('ignore', message='Detected pickle protocol')
            checkpoint = torch.load(path, map_location=map_location, weights_only=not trust)
    except (UnpicklingError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError,
            ImportError) as error:
        raise CheckpointError(f'{path} {_what_is_wrong(path, error, trust)}') from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'{path} holds an object of type {type(checkpoint).__name__}: expected a dictionary of '
                              'tensors, or one with the entry "state_dict"; save model.state_dict()')
    return checkpoint


def trust_checkpoints() -> None:
    """What ``--trust`` of a command does: this process and its children let checkpoints run code."""
    os.environ[TRUST] = '1'


def _allowed():
    if digit_version(torch.__version__) < digit_version('2.6'):
        return nullcontext()  # cannot be told
    return torch.serialization.safe_globals(_harmless())


def _harmless() -> List:
    """What mmengine's checkpoints hold besides tensors: (object, name in the file)."""
    core = getattr(np, '_core', None) or np.core
    reading = {'_reconstruct': core.multiarray._reconstruct, 'scalar': core.multiarray.scalar}
    return [
        HistoryBuffer, np.ndarray, np.dtype, (_statistic, 'builtins.getattr'),
        *((function, f'numpy.{package}.multiarray.{name}') for name, function in reading.items()
          for package in ('core', '_core')),  # before and since numpy 2
        *{type(np.dtype(code)) for code in '?bBhHiIlLqQefdSU'},
    ]


def _statistic(owner: type, name: str):
    """Stands for ``getattr``, by which a HistoryBuffer names its statistics; a real one would open every module."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise UnpicklingError(f'getattr({owner!r}, {name!r})')
    return getattr(owner, name)


def _other_kind(path: str) -> str:
    """What a file is that is no checkpoint, and the remedy; '' if it may be one."""
    with open(path, 'rb') as file:
        start = file.read(512)
    if not start.strip():
        return 'is empty: download or copy it again'
    for magic, text in OTHERS:
        if start.lstrip().startswith(magic):
            return text
    if start[8:10] == b'{"' and int.from_bytes(start[:8], 'little') < osp.getsize(path):
        return SAFETENSORS.format(name=osp.basename(path), stem=osp.splitext(osp.basename(path))[0])
    if start[257:262] == b'ustar':
        return 'is a tar archive: unpack it first'
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any(n.endswith('/constants.pkl') for n in names):
            return 'is a TorchScript program, not weights: expected a file of torch.save(model.state_dict(), ...)'
        if not any(n.endswith('/data.pkl') for n in names):
            return f'is a zip archive of something else ({", ".join(names[:2])}): unpack it first'
    return ''


def _what_is_wrong(path: str, error: Exception, trust: bool) -> str:
    found = _globals(path)
    unusual = [name for name in found if not USUAL.fullmatch(name)]
    if any(name.startswith('custom_modules.') for name in unusual):
        return ('was saved before this package was renamed from custom_modules to segfusion, and names '
                f'{unusual[0]}; read it once with the old version and keep its "state_dict"')
    names = unusual or [name for name in found if not PLAIN.fullmatch(name)]
    if not trust and (unusual or names and isinstance(error, UnpicklingError)):
        return (f'holds more than tensors and plain values: {", ".join(names[:3])}{", ..." if names[3:] else ""}. '
                f'Reading that may run code. If you trust its origin, go on by --trust, or by {TRUST}=1 in the '
                'environment for commands that are not ours')
    if isinstance(error, (ImportError, AttributeError)):
        return f'names what cannot be imported here: {error}'
    return (f'is no checkpoint, or is cut off or damaged ({type(error).__name__}): compare its size with the original '
            'and copy it again')


def _globals(path: str) -> List[str]:
    """Functions and classes that a file names, in order; nothing is looked up or executed."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            data = archive.read(next(name for name in archive.namelist() if name.endswith('/data.pkl')))
    else:  # before PyTorch 1.6: a few pickles, then the raw numbers
        with open(path, 'rb') as file:
            data = file.read(1 << 24)
    return list(dict.fromkeys(_scan(data)))


def _scan(data: bytes) -> Iterator[str]:
    begin = 0
    while begin < len(data):
        strings, memo = [], {}
        stream = io.BytesIO(data[begin:])
        try:
            for op, value, _ in pickletools.genops(stream):
                if op.name in ('GLOBAL', 'INST'):
                    yield value.replace(' ', '.').replace('__builtin__.', 'builtins.')
                elif op.name == 'STACK_GLOBAL' and len(strings) > 1:
                    yield '.'.join(strings[-2:])
                elif 'GET' in op.name and memo.get(value):
                    strings.append(memo[value])
                elif op.name == 'MEMOIZE' or 'PUT' in op.name:
                    memo[len(memo) if value is None else value] = strings[-1] if strings else ''
                elif isinstance(value, str):
                    strings.append(value)
        except Exception:  # noqa: BLE001  no pickle, or cut off: what was found so far stands
            return
        begin += stream.tell()


def load_from_disk(filename: str, map_location=None) -> Dict:
    """:func:`read_checkpoint` as mmengine calls it; its log takes the name "disk" from ours."""
    return read_checkpoint(filename, map_location=map_location)


def load_from_address(filename: str, map_location=None) -> Dict:
    """Download a file once, to where PyTorch keeps them, and :func:`read_checkpoint` it."""
    path = osp.join(torch.hub.get_dir(), 'checkpoints', osp.basename(urlparse(filename).path))

    def download() -> None:
        if not osp.exists(path):
            os.makedirs(osp.dirname(path), exist_ok=True)
            torch.hub.download_url_to_file(filename, path, progress=False)

    if is_main_process():
        download()
    barrier()
    download()  # on other machines
    return read_checkpoint(path, map_location=map_location)


CheckpointLoader.register_scheme('', load_from_disk, force=True)
CheckpointLoader.register_scheme(('http://', 'https://'), load_from_address, force=True)
