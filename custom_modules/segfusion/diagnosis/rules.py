"""Combinations of versions that are known to break, each with the command that repairs it. Standard library only.

Where a rule comes from is said beside it: issue numbers are those of open-mmlab repositories.
"""
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List

from .environment import FAMILIES, Environment

PIP = 'python -m pip'
# The two supported rows of the README's table, exactly as tested.
FORK = {
    'torch': '2.14.0',
    'torchvision': '0.29.2',
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmsegmentation': '1.4.2',
    'onedl-mmpretrain': '1.3.6',
    'onedl-mim': '0.5.1',
}
ORIGINAL = {
    'torch': '2.1.2',
    'torchvision': '0.16.2',
    'mmengine': '0.10.7',
    'mmcv': '2.1.0',
    'mmsegmentation': '1.2.2',
    'mmpretrain': '1.2.0',
    'openmim': '0.3.9',
    'numpy': '1.26.4',
    'opencv-python': '4.11.0.86',
}
# Beside them, for MaskFormer only.
DETECTION = {'onedl-mmdetection': '3.5.1', 'mmdet': '3.3.0'}
# Below these nothing is promised (requirements.txt; the original stack has one tested row).
OLDEST = {
    'torch': (2, 0),
    'torchvision': (0, 15),
    'onedl-mmengine': (0, 10, 7),
    'onedl-mmcv': (2, 3),
    'onedl-mmsegmentation': (1, 4),
    'mmengine': (0, 10),
    'mmcv': (2, 0),
    'mmcv-lite': (2, 0),
    'mmsegmentation': (1, 2),
    'numpy': (1, 21),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        level: 'error' (it breaks), 'warning' (it may, or only a part breaks).
        text: What breaks, with the versions.
        fix: The command that repairs it.
    """
    level: str
    text: str
    fix: str


def examine(env: Environment) -> List[Finding]:
    """Everything known to be wrong with an environment, errors first."""
    found = [*_missing(env), *_twice(env), *_mixed(env), *_too_old(env), *_openmmlab(env), *_torch(env), *_numpy(env),
             *_places(env)]
    return sorted(found, key=lambda f: f.level != 'error')


def pinned(env: Environment, *families: str) -> str:
    """The ``pip install`` of these families at the tested versions of the stack in use."""
    row = FORK if env.fork else ORIGINAL
    names = [next((d for d in FAMILIES.get(f, (f, )) if d in row), FAMILIES.get(f, (f, ))[0]) for f in families]
    # mmcv 2.1.0 has no wheel for newer torch; its set-up then imports the torch that is installed, and setuptools.
    build = ' --no-build-isolation' if 'mmcv' in names else ''
    return f'{PIP} install{build} ' + ' '.join(f'{n}=={row[n]}' if n in row else n for n in names)


def _named(env: Environment, *names: str) -> str:
    return ' with '.join(f'{n} {env.versions[n]}' for n in names if n in env.versions)


def _missing(env: Environment) -> Iterator[Finding]:
    if env.python < (3, 10):
        yield Finding('error', f'Python {".".join(map(str, env.python))} is too old: expected 3.10 or newer',
                      'python3.11 -m venv .venv && . .venv/bin/activate && make env VENV=.venv')
    lost = [n for n in ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmseg', 'numpy', 'cv2') if not env.installed(n)]
    if lost:
        yield Finding('error', f'{", ".join(lost)} {"are" if lost[1:] else "is"} not installed', pinned(env, *lost))
    if not env.installed('mim'):
        yield Finding('warning', 'mim is not installed: `mim train` and `mim test` are missing', pinned(env, 'mim'))
    if not env.installed('mmpretrain'):
        yield Finding('warning', 'mmpretrain is not installed: its backbones are missing', pinned(env, 'mmpretrain'))
    # mmseg's text encoder imports both, its plain installation brings neither (mmsegmentation 1.2.2).
    lost = [name for name in ('ftfy', 'regex') if not env.installed(name)]
    if env.installed('mmseg') and lost:
        yield Finding('error', f'mmseg imports {" and ".join(lost)}, which {"are" if lost[1:] else "is"} not installed',
                      f'{PIP} install {" ".join(lost)}')


def _twice(env: Environment) -> Iterator[Finding]:
    for name, _family in FAMILIES.items():
        both = env.installed(name)
        if len(both) < 2:
            continue
        text = f'{" and ".join(f"{d} {env.versions[d]}" for d in both)} are both installed and overwrite each other\'s '
        if name == 'cv2':  # the files are much the same: it works until one of them is removed
            yield Finding('warning', f'{text}files in {name}/',
                          f'{PIP} uninstall -y {" ".join(both)} && {PIP} install {both[0]}=={env.versions[both[0]]}')
        else:
            yield Finding('error', f'{text}files in {name}/',
                          f'{PIP} uninstall -y {" ".join(both)} && {pinned(env, name)}')


def _mixed(env: Environment) -> Iterator[Finding]:
    stack = {n: env.installed(n)[0] for n in ('mmengine', 'mmcv', 'mmseg') if len(env.installed(n)) == 1}
    forks = [d for d in stack.values() if d.startswith('onedl-')]
    if forks and len(forks) < len(stack):
        others = [d for d in stack.values() if d not in forks]
        yield Finding('warning', f'{" and ".join(others)} (original) beside {" and ".join(forks)} (fork): nobody tests '
                      'this mixture', f'{PIP} uninstall -y {" ".join(stack.values())} && {pinned(env, *stack)}')


def _too_old(env: Environment) -> Iterator[Finding]:
    for name, oldest in OLDEST.items():
        if env.at(name) and env.at(name) < oldest:
            family = next((f for f, names in FAMILIES.items() if name in names), name)
            yield Finding('error', f'{_named(env, name)} is too old: expected {".".join(map(str, oldest))} or newer',
                          pinned(env, family) if family in (*FAMILIES, *FORK) else f'{PIP} install --upgrade {name}')


def _openmmlab(env: Environment) -> Iterator[Finding]:
    # mmsegmentation 1.2.2 asserts 2.0.0rc4 <= mmcv < 2.2.0 when it is imported (mmsegmentation#3729).
    if env.at('mmsegmentation') and env.at('mmsegmentation') <= (1, 2, 2) and env.at('mmcv', 'mmcv-lite') >= (2, 2):
        name = env.installed('mmcv')[0] if 'mmcv' not in env.versions else 'mmcv'
        yield Finding('error', f'{_named(env, "mmsegmentation", name)}: it refuses mmcv 2.2.0 and newer '
                      f'("MMCV=={env.versions[name]} is used but incompatible")',
                      f'{PIP} uninstall -y {name} && {PIP} install --no-build-isolation {name}==2.1.0')
    # Both import pkg_resources, which left setuptools with version 82 (mmcv#3325); Python 3.12 environments have no
    # setuptools at all, and an old one fails there (pkgutil.ImpImporter, mim#242).
    users = [n for n in ('mmengine', 'openmim') if n in env.versions]
    if users:
        have = env.at('setuptools')
        why = ('it is not installed' if not have else 'it is gone since setuptools 82' if have >= (82, ) else
               'before 66.1 it fails on Python 3.12' if have < (66, 1) and env.python >= (3, 12) else '')
        if why:
            got = _named(env, 'setuptools') or 'no setuptools'
            yield Finding('error', f'{" and ".join(_named(env, u) for u in users)} with {got} on Python '
                          f'{env.python[0]}.{env.python[1]}: pkg_resources is imported, and {why}',
                          f'{PIP} install "setuptools>=70,<82"')
    # torch.load reads tensors only since 2.6; mmengine's own checkpoints hold more (mmengine#1655).
    if (0, ) < env.at('mmengine', 'mmengine-lite') <= (0, 10, 7) and env.at('torch') >= (2, 6):
        yield Finding('error', f'{_named(env, "torch", "mmengine", "mmengine-lite")}: checkpoints no longer load '
                      '("Weights only load failed")', f'{PIP} install torch==2.5.1 torchvision==0.20.1')
    # mmdetection 3.3.0 asserts mmcv < 2.2.0 when it is imported, and mmseg imports it if it is there.
    if env.at('mmdet') and env.at('onedl-mmcv', 'mmcv', 'mmcv-lite') >= (2, 2):
        yield Finding('error', f'{_named(env, "mmdet", "onedl-mmcv", "mmcv", "mmcv-lite")}: mmseg imports mmdet, which '
                      'refuses mmcv 2.2.0 and newer',
                      f'{PIP} uninstall -y mmdet' + (
                          f' && {PIP} install onedl-mmdetection=={DETECTION["onedl-mmdetection"]}' if env.fork else ''))
    elif env.installed('mmdet') and env.installed('mmcv') and not env.compiled_ops:
        yield Finding('warning', f'{_named(env, *env.installed("mmdet"))}: it needs the compiled operators of mmcv, '
                      'which are not there, so MaskFormer is missing', 'tools/compiled_ops.sh')
    if env.at('onedl-mmcv') and (0, ) < env.at('onedl-mmengine') < (0, 10, 8):
        yield Finding('error', f'{_named(env, "onedl-mmcv", "onedl-mmengine")}: expected onedl-mmengine 0.10.8 or '
                      'newer', pinned(env, 'mmengine'))


def _torch(env: Environment) -> Iterator[Finding]:
    torch, vision = env.at('torch'), env.at('torchvision')
    if torch[:1] == (2, ) and vision and vision[:2] != (0, torch[1] + 15):
        yield Finding('error', f'{_named(env, "torch", "torchvision")}: expected torchvision 0.{torch[1] + 15} '
                      '("operator torchvision::nms does not exist")',
                      f'{PIP} install "torchvision==0.{torch[1] + 15}.*"')
    if torch and env.driver and not env.torch_cuda:
        yield Finding('warning', f'{_named(env, "torch")} is a CPU build, but there is a GPU with driver {env.driver}',
                      f'{PIP} uninstall -y torch torchvision && {pinned(env, "torch", "torchvision")}')


def _numpy(env: Environment) -> Iterator[Finding]:
    torch, numpy, cv2 = env.at('torch'), env.at('numpy'), env.at(*FAMILIES['cv2'])
    if numpy >= (2, ) and (0, ) < torch < (2, 3):
        # OpenCV 4.12 and newer ask for numpy 2, so it goes back as well.
        also = f' "{env.installed("cv2")[0]}<4.12"' if cv2 >= (4, 12) else ''
        yield Finding('error', f'{_named(env, "torch", "numpy")}: torch before 2.3 was built for numpy 1 '
                      '("Numpy is not available")', f'{PIP} install "numpy<2"{also}')
    if numpy >= (2, ) and (0, ) < cv2 < (4, 10):
        name = env.installed('cv2')[0]
        yield Finding('error', f'{_named(env, name, "numpy")}: OpenCV before 4.10.0.84 was built for numpy 1 '
                      '("numpy.core.multiarray failed to import")',
                      f'{PIP} install "{name}>=4.10.0.84{",<5" if not env.fork else ""}"')
    if env.at('onedl-mmsegmentation') and (0, ) < numpy < (2, ):
        yield Finding('warning', f'{_named(env, "onedl-mmsegmentation", "numpy")}: it asks for numpy 2',
                      f'{PIP} install "numpy>=2"')


def _places(env: Environment) -> Iterator[Finding]:
    here = Path.cwd().resolve()
    for name, place in env.places.items():
        folder = Path(place.folder).resolve()
        dists = env.installed(name)
        if name == 'segfusion' or name not in FAMILIES or not dists:
            continue
        version = env.versions[dists[0]]
        if place.version and place.version != version and len(dists) == 1:
            yield Finding('error', f'the files in {folder} are {name} {place.version}, but {dists[0]} {version} is '
                          'what is installed: another distribution overwrote them, or another copy comes first',
                          f'{PIP} uninstall -y {dists[0]} && {PIP} install {dists[0]}=={version}')
        elif folder.parent == here and 'site-packages' not in folder.parts:
            yield Finding('warning', f'`import {name}` finds the folder {folder}, not the installed one',
                          'cd to another folder' if str(here) in sys.path or '' in sys.path else 'unset PYTHONPATH')
    if 'segfusion' not in env.places:
        yield Finding('error', 'segfusion is not installed: `mim train` would say that our modules are not in '
                      'the registry', f'{PIP} install --no-deps -e .')
