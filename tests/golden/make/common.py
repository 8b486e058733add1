"""What the scripts of this folder share: the authors' checkout, drawn weights, and the comparison with the stored file.

Every script runs the authors' own code, or says in its docstring what it transcribes where that cannot run here::

    python -m tests.golden.make.crf --code PATH [NAME ...] [--write]

``PATH`` is a folder that holds the checkouts under their repositories' names (``OWNER/NAME`` or ``NAME``). Without
``--write`` the new numbers are compared with the stored ones and nothing is written.
"""
import argparse
import importlib
import json
import sys
import types
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Sequence

import numpy as np
import torch
from torch import nn

from tests.references.golden import GOLDEN, draw, image  # noqa: F401 (the scripts take the image from here)

DRAW = {'meta', 'scale', 'alias'}  # older files leave out what is empty
Arrays = Dict[str, np.ndarray]


def fill(model: nn.Module, prefix: str = '', scale: Dict[str, float] = {}) -> nn.Module:
    """Draw every tensor of the state dict by the rule, from ``prefix`` plus its name; returns the model in evaluation.

    A tensor that two names share gets the draw of the first, as ``alias`` of the stored file says.
    """
    state, first = model.state_dict(keep_vars=True), {}
    with torch.no_grad():
        for key, value in state.items():
            if not value.dtype.is_floating_point or value.data_ptr() in first and value.numel():
                continue
            first[value.data_ptr()] = key
            name = prefix + key
            value.copy_(torch.from_numpy(draw(name, tuple(value.shape)) * np.float32(scale.get(name, 1.))))
    return model.eval()


def described(model: nn.Module, prefix: str = '', scale: Dict[str, float] = {}, **meta) -> Arrays:
    """The fields that tell a test how the weights were drawn."""
    keys, first, alias = [], {}, {}
    for key, value in model.state_dict(keep_vars=True).items():
        keys.append(prefix + key)
        if value.numel() and value.dtype.is_floating_point:
            if first.setdefault(value.data_ptr(), prefix + key) != prefix + key:
                alias[prefix + key] = first[value.data_ptr()]
    shapes = [list(v.shape) for v in model.state_dict().values()]
    return dict(keys=np.array(keys), shapes=np.array(json.dumps(shapes)), scale=np.array(json.dumps(scale)),
                alias=np.array(json.dumps(alias)), meta=np.array(json.dumps(meta)))


def checkout(code: Path, repository: str) -> Path:
    """The folder of ``OWNER/NAME`` below ``code``, put first on the path of imports."""
    owner, name = repository.split('/')
    for folder in (code / repository, code / name, code / f'{owner}+{name}'):
        if folder.is_dir():
            sys.path.insert(0, str(folder))
            importlib.invalidate_caches()
            return folder
    raise FileNotFoundError(f'no checkout of {repository} in {code}')


def stand_in(name: str, **attributes) -> None:
    """A module of this dotted name for what the authors import and the network does not need."""
    parts = name.split('.')
    for i in range(1, len(parts) + 1):
        if '.'.join(parts[:i]) not in sys.modules:
            sys.modules['.'.join(parts[:i])] = types.ModuleType('.'.join(parts[:i]))
    vars(sys.modules[name]).update(attributes)


@contextmanager
def hooked(modules: Dict[str, nn.Module]):
    """The outputs of these modules during the block, by name; of several calls the last."""
    seen = {}
    handles = [module.register_forward_hook(lambda _, inputs, out, name=name: seen.__setitem__(name, out))
               for name, module in modules.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def shrunk(x: torch.Tensor, always: bool = False) -> np.ndarray:
    """As stored: every second row and column of a map with more than four channels and at least 16 columns."""
    return strided(x, 2 if always or x.shape[1] > 4 and x.shape[-1] >= 16 else 1)


def main(makers: Dict[str, Callable[[Path], Arrays]], description: str, argv: Sequence[str] = None) -> int:
    """Run the makers that are asked for (all by default), each of which returns the arrays of its file."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--code', type=Path, required=True, help='folder of the checkouts')
    parser.add_argument('--write', action='store_true', help='replace the stored files')
    parser.add_argument('names', nargs='*', default=[], help=f'of {", ".join(makers)}')
    args = parser.parse_args(argv)
    code = args.code.resolve()
    for name in args.names or makers:
        with torch.no_grad():
            arrays = makers[name](code)
        path = GOLDEN / f'{name}.npz'
        if args.write:
            np.savez_compressed(path, **arrays)
            print(f'{name}: wrote {path.stat().st_size / 1024:.0f} KiB')
        else:
            print(f'{name}: {compare(arrays, path)}')
    return 0


def compare(arrays: Arrays, path: Path) -> str:
    """Largest difference from the stored arrays, relative to the largest stored value of the same array."""
    with np.load(path) as stored:
        missing, extra = sorted(set(stored.files) - set(arrays)), sorted(set(arrays) - set(stored.files) - DRAW)
        worst, where = 0., 'everything'
        unequal = [k for k in stored.files if k in arrays and arrays[k].shape != stored[k].shape]
        for key in set(stored.files) & set(arrays) - set(unequal):
            old, new = stored[key], np.asarray(arrays[key])
            if old.dtype.kind in 'US':
                same = old.tolist() == new.tolist() or key in DRAW and json.loads(str(old)) == json.loads(str(new))
                unequal += [] if same or key == 'meta' else [key]
                continue
            error = np.abs(old.astype(np.float64) - new).max() / max(np.abs(old).max(), 1e-30) if old.size else 0.
            if not error <= worst:
                worst, where = error, key
    said = f'largest difference {worst:.1e} of the largest value ({where})'
    for what, keys in (('not made', missing), ('not stored', extra), ('of another shape or text', unequal)):
        said += f'; {what}: {", ".join(keys)}' if keys else ''
    return said


def strided(x: torch.Tensor, step: int) -> np.ndarray:
    """Every ``step``-th row and column, as an array."""
    return x[..., ::step, ::step].contiguous().numpy()
