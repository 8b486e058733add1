"""Import, register, load and build, one step at a time, in a process of its own that may die.

Nothing but the standard library is imported at the top: what is broken has to break inside a step.
"""
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from .rules import PIP

MARK = '@doctor '  # begins the lines that are meant for the parent process
# Environment variables of the data set configs, and where the data are otherwise expected.
DATA = dict(
    CAMVID_ROOT='data/camvid',
    CITYSCAPES_ROOT='data/cityscapes',
    ADE20K_ROOT='data/ade/ADEChallengeData2016',
    VOC2012_ROOT='data/VOCdevkit/VOC2012')
# (what an exception says, the command that repairs it)
REMEDIES = (
    (r'lib(GL|gthread|glib)[\w.-]*\.so', f'{PIP} uninstall -y opencv-python && {PIP} install opencv-python-headless'),
    (r"No module named 'pkg_resources'|pkgutil.*ImpImporter", f'{PIP} install "setuptools>=70,<82"'),
    (r'numpy\.core\.multiarray failed|Numpy is not available|_ARRAY_API not found', f'{PIP} install "numpy<2"'),
    (r'torchvision::nms does not exist', f'{PIP} install --force-reinstall torch torchvision'),
    (r'MMCV==\S+ is used but incompatible', f'{PIP} install mmcv==2.1.0'),
    (r"No module named 'mmcv\._ext'|mmcv/_ext.*undefined symbol",
     'nothing of ours needs compiled operators; for those of mmseg (CCNet, PointRend, MaskFormer): '
     'tools/compiled_ops.sh'),
    (r'Please install (onedl-)?mmcv for \w+ ops', 'tools/compiled_ops.sh'),
    (r"No module named 'segfusion'", f'{PIP} install --no-deps -e .'),
    (r"No module named '(\w+)'", PIP + r' install \1'),
    (r'CUDA|cuda', 'set CUDA_VISIBLE_DEVICES=-1 to go on without a GPU'),
)


@dataclass
class Step:
    """What one step found; ``status`` is 'ok', 'warning' or 'error'."""
    name: str
    status: str
    text: str
    fix: str = ''


def remedy(text: str) -> str:
    """The command that repairs what an exception says, '' if it is not known."""
    for pattern, command in REMEDIES:
        match = re.search(pattern, text)
        if match:
            return match.expand(command)
    return ''


def run_steps(config: Optional[str], options: List[str], root: Path) -> List[Step]:
    """All steps, in a child process; one that kills it is reported by name.

    Args:
        config: Path of the config to load and build.
        options: Overrides, ``key=value``.
        root: Folder that holds ``segfusion``, for when the package is not installed.
    """
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [os.environ.get('PYTHONPATH'), str(root)])),
               PYTHONWARNINGS='ignore')
    code = ('import importlib.util, sys; '
            'spec = importlib.util.spec_from_file_location("diagnosis", sys.argv[1] + "/__init__.py", '
            'submodule_search_locations=[sys.argv[1]]); sys.modules["diagnosis"] = importlib.util.module_from_spec('
            'spec); from diagnosis.live import main; main(sys.argv[2:])')
    child = subprocess.run([sys.executable, '-c', code, str(Path(__file__).parent), config or '', *options],
                           text=True, capture_output=True, env=env)
    return read_steps(child.stdout, child.stderr, child.returncode)


def read_steps(output: str, errors: str, code: int) -> List[Step]:
    """The child's report: a line of JSON when a step begins (its name) and one when it ends."""
    steps, begun = [], None
    for line in output.split('\n'):
        if not line.startswith(MARK):
            continue  # something that was imported prints
        record = json.loads(line[len(MARK):])
        if isinstance(record, str):
            begun = record
        else:
            steps.append(Step(**record))
            begun = None
    if begun or code:
        last = errors.strip().splitlines()[-1:] or ['no message']
        died = f'the process died with exit code {code}' + (f' (signal {-code})' if code < 0 else '')
        steps.append(Step(begun or 'python', 'error', f'{died}: {last[0]}', remedy(errors)))
    return steps


def main(arguments: List[str]) -> None:
    config, *options = arguments
    state = dict(config=config, options=options)
    for name, step, needed in STEPS:
        if name.startswith('config') and not config:
            continue
        _say(name)
        try:
            text, status, fix = step(state)
        except Exception as error:  # whatever is broken, by whatever it raises
            text = f'{type(error).__name__}: {error}'
            status, fix = ('error' if needed else 'warning'), remedy(text)
            text = re.sub(r'\s+', ' ', text)
        _say(dict(name=name, status=status, text=text, fix=fix))
        if status == 'error' and needed:
            return


def _say(record) -> None:
    print(f'\n{MARK}{json.dumps(record)}', flush=True)


Found = Tuple[str, str, str]


def _torch(state) -> Found:
    import torch
    import torchvision  # noqa: F401  an operator of another torch fails here
    (torch.ones(2, 2) @ torch.ones(2, 2)).numpy()  # numpy of another ABI fails here
    if not torch.cuda.is_available():
        return 'imported, numpy works, no GPU is used', 'ok', ''
    torch.ones(1, device='cuda').add_(1).cpu()
    return f'imported, numpy works, {torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}', 'ok', ''


def _openmmlab(state) -> Found:
    import mmcv  # noqa: F401
    import mmengine.runner  # noqa: F401
    import mmseg.models  # noqa: F401
    return 'mmengine, mmcv and mmseg imported', 'ok', ''


def _ops(state) -> Found:
    import importlib
    import importlib.util
    if importlib.util.find_spec('mmcv._ext') is None:
        return 'none, and nothing of ours needs them (CCNet, PointRend, MaskFormer do)', 'ok', ''
    importlib.import_module('mmcv._ext')
    return 'load', 'ok', ''


def _package(state) -> Found:
    from mmseg.registry import MODELS

    import segfusion
    segfusion.register_all()
    ours = [n for n, c in MODELS.module_dict.items() if c.__module__.startswith('segfusion.')]
    return f'segfusion {segfusion.__version__}, {len(ours)} models of ours in the registry', 'ok', ''


def _load(state) -> Found:
    from segfusion.diagnosis.loading import load_config
    state['cfg'] = load_config(state['config'], state['options'])
    return state['config'], 'ok', ''


def _needs(state) -> Found:
    from segfusion.engine.optional import lacking
    lost = [text.split(': ') for text in lacking(state['cfg'])]
    if lost:
        return ' '.join(what for what, _ in lost), 'error', '; '.join(dict.fromkeys(remedy for _, remedy in lost))
    return 'nothing that is not installed', 'ok', ''


def _names(state) -> Found:
    from segfusion.engine.names import check_names
    problems = check_names(state['cfg'])
    if problems:
        return ' '.join(problems), 'error', 'correct the name in the config; tools/explain_config.py says where it is'
    return 'every type is registered, every argument known', 'ok', ''


def _build(state) -> Found:
    from segfusion.diagnosis.cost import build_segmentor
    if 'model' not in state['cfg']:
        return 'holds no model', 'ok', ''
    model = build_segmentor(state['cfg'])
    count = sum(p.numel() for p in model.parameters())
    head = type(model.decode_head).__name__
    return f'{type(model).__name__} with {head}, {count / 1e6:.3f} M parameters', 'ok', ''


def _data(state) -> Found:
    from segfusion.diagnosis.loading import data_folders
    lost, there, drawn = [], [], False
    for split, folder, drawn_on_use in data_folders(state['cfg']):
        drawn |= drawn_on_use
        if os.path.isdir(folder):
            there.append(split)
        elif not drawn_on_use:
            lost.append(f'{split}: {os.path.abspath(folder)}')
    if lost:
        return (f'expected folders that do not exist: {"; ".join(lost)}', 'error',
                'set the environment variable named on top of the data set config (e.g. CAMVID_ROOT), or '
                '{train,val,test}_dataloader.dataset.data_root')
    if drawn:
        return 'drawn on first use', 'ok', ''
    return f'folders of {", ".join(dict.fromkeys(there)) or "no split"} exist', 'ok', ''


def _roots(state) -> Found:
    wrong = [f'{n}={os.environ[n]}' for n in DATA if n in os.environ and not os.path.isdir(os.environ[n])]
    if wrong:
        return f'{", ".join(wrong)}: no such folder', 'error', f'unset {wrong[0].split("=")[0]}, or correct it'
    there = [f for f in (os.environ.get(n, f) for n, f in DATA.items()) if os.path.isdir(f)]
    return ', '.join(there) or 'none of CamVid, Cityscapes, ADE20K, VOC found; StreetScenes needs none', 'ok', ''


# (name, what to do, whether the later steps need it)
STEPS = (
    ('torch', _torch, True),
    ('OpenMMLab', _openmmlab, True),
    ('compiled mmcv ops', _ops, False),
    ('package', _package, True),
    ('data sets', _roots, False),
    ('config loads', _load, True),
    ('config needs', _needs, True),
    ('config names', _names, True),
    ('config builds', _build, True),
    ('config data', _data, False),
)
