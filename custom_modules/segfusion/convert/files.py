"""Checkpoint files in and out of :func:`~.engine.convert`."""
import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Optional

import numpy as np
import torch

from .engine import ConversionError, ConversionReport, choose_layout, convert, strip_wrapper
from .layouts import LAYOUTS


def convert_file(config: str,
                 source: str,
                 target: str,
                 layout: Optional[str] = None,
                 trust: bool = False,
                 overwrite: bool = False,
                 options: Optional[dict] = None) -> ConversionReport:
    """Convert a checkpoint of the authors into one that ``mim test`` loads with ``config``.

    Args:
        config: Path of the config whose model the file is for.
        source: The authors' file; ``.npz`` for blobs of Caffe, named ``layer.0`` or ``layer.weight``.
        target: Where to write. Nothing is written unless everything fits.
        layout: Name of the layout, if the file alone does not tell.
        trust: Unpickle arbitrary objects. Only for files whose origin you trust.
        overwrite: Replace ``target`` if it exists.
        options: Changes of the config, as in ``--cfg-options``.

    Returns:
        What was done with every tensor.

    Raises:
        ConversionError: If the file does not fill the model exactly.
        FileExistsError: If ``target`` exists and ``overwrite`` is False.
    """
    from mmengine.config import Config
    from mmseg.registry import MODELS
    from mmseg.utils import register_all_modules

    if os.path.exists(target) and not overwrite:
        raise FileExistsError(f'{target} exists; choose another name or pass --overwrite')
    state = strip_wrapper(_arrays(source) if source.endswith('.npz') else _load(source, trust))
    register_all_modules(init_default_scope=True)
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(options or {})
    model = MODELS.build(cfg.model)
    wanted = model.state_dict()
    if layout is None:
        chosen = choose_layout(state, wanted, LAYOUTS)
    else:
        named = {known.name: known for known in LAYOUTS}
        if layout not in named:
            raise ConversionError(f'unknown layout {layout!r}; known: {", ".join(named)}')
        chosen = named[layout]
    result, report = convert(state, wanted, chosen)
    meta = dict(converted_from=Path(source).name, layout=chosen.name, source=chosen.source)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    partial = f'{target}.partial'  # a killed conversion leaves no file that looks complete
    torch.save(dict(meta=meta, state_dict=result), partial)
    os.replace(partial, target)
    return report


def _arrays(path: str):
    """What an ``.npz`` holds, e.g. Caffe's blobs; never runs code."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f'no checkpoint at {path}')
    try:
        with np.load(path) as data:
            return dict(data)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ConversionError(f'{path} is damaged, or holds more than arrays of numbers: save each blob as an array '
                              f'of its own, named layer.index or layer.weight ({error})') from error


def _load(path: str, trust: bool):
    if not os.path.isfile(path):
        raise FileNotFoundError(f'no checkpoint at {path}')
    with open(path, 'rb') as file:
        start = file.read(64).lstrip()
    if not start:
        raise ConversionError(f'{path} is empty: download or copy it again')
    if start.startswith(b'<'):
        raise ConversionError(f'{path} is a web page, not a checkpoint: the server asked for something first; open the '
                              'address in a browser')
    try:
        return torch.load(path, map_location='cpu', weights_only=not trust)
    except pickle.UnpicklingError as error:
        held = re.search(r'(?:GLOBAL|Unsupported class) (\S+)', str(error))
        raise ConversionError(
            f'{path} holds more than tensors and plain values (old training files often do)'
            f'{", e.g. " + held.group(1) if held else ""}. If you trust its origin, convert it with --trust, which '
            'lets it run code while it is read') from error
    except (EOFError, RuntimeError, ValueError) as error:
        raise ConversionError(f'{path} is cut off or damaged: compare its size with the original and copy it '
                              'again') from error
