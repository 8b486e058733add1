"""Checkpoint files in and out of :func:`~.engine.convert`."""
import io
import os
import zipfile
from pathlib import Path
from typing import Optional

import numpy as np
import torch

from ..datasets.files import write_whole
from ..engine.checkpoints import read_checkpoint
from .engine import ConversionError, ConversionReport, choose_layout, convert, strip_wrapper
from .layouts import LAYOUTS


def convert_file(config: str,
                 source: str,
                 target: str,
                 layout: Optional[str] = None,
                 trust: Optional[bool] = None,
                 overwrite: bool = False,
                 options: Optional[dict] = None) -> ConversionReport:
    """Convert a checkpoint of the authors into one that ``mim test`` loads with ``config``.

    Args:
        config: Path of the config whose model the file is for.
        source: The authors' file: of torch, or NumPy arrays under their names (``.npz``; Caffe's blobs as ``layer.0``
            or ``layer.weight``).
        target: Where to write. Nothing is written unless everything fits.
        layout: Name of the layout, if the file alone does not tell.
        trust: As in :func:`~segfusion.engine.checkpoints.read_checkpoint`.
        overwrite: Replace ``target`` if it exists.
        options: Changes of the config, as in ``--cfg-options``.

    Returns:
        What was done with every tensor.

    Raises:
        CheckpointError: If the file cannot be read, or not without trust.
        ConversionError: If the file does not fill the model exactly.
        FileExistsError: If ``target`` exists and ``overwrite`` is False.
    """
    from mmengine.config import Config
    from mmseg.registry import MODELS
    from mmseg.utils import register_all_modules

    if os.path.exists(target) and not overwrite:
        raise FileExistsError(f'{target} exists; choose another name or pass --overwrite')
    state = strip_wrapper(_read(source, trust))
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
    data = io.BytesIO()
    torch.save(dict(meta=meta, state_dict=result), data)
    write_whole(target, data.getbuffer())
    return report


def _read(path: str, trust: bool):
    if path.endswith('.npz') and os.path.isfile(path):
        return _read_arrays(path)
    return read_checkpoint(path, trust)


def _read_arrays(path: str):
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, ValueError, TypeError) as error:
        raise ConversionError(f'{path} is damaged, or holds more than arrays of numbers: copy it again, or save each '
                              'blob as an array of its own, named layer.index or layer.weight') from error
