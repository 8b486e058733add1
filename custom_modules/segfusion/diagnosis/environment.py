"""Which distributions are installed, without importing any of them. Standard library only."""
import importlib.machinery
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

# import name -> distributions that bring it, the maintained fork first; two of them overwrite each other's files
FAMILIES = {
    'mmengine': ('onedl-mmengine', 'mmengine', 'mmengine-lite'),
    'mmcv': ('onedl-mmcv', 'mmcv', 'mmcv-lite', 'mmcv-full'),
    'mmseg': ('onedl-mmsegmentation', 'mmsegmentation'),
    'mmpretrain': ('onedl-mmpretrain', 'mmpretrain'),
    'mmdet': ('onedl-mmdetection', 'mmdet'),
    'mim': ('onedl-mim', 'openmim'),
    'cv2': ('opencv-python', 'opencv-python-headless', 'opencv-contrib-python', 'opencv-contrib-python-headless'),
}
SINGLE = ('torch', 'torchvision', 'numpy', 'setuptools', 'ftfy', 'regex')
IMPORTS = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmseg', 'mmpretrain', 'mim', 'numpy', 'cv2', 'segfusion')


@dataclass
class Place:
    """Where ``import name`` would find a package, and the version its own files state."""
    folder: str
    version: Optional[str] = None


@dataclass
class Environment:
    """Everything the rules look at; a test makes one by hand.

    Args:
        python: Version, e.g. ``(3, 11, 4)``.
        versions: Distribution name to version, of the distributions in FAMILIES and SINGLE that are installed.
        places: Import name to where it is found.
        compiled_ops: Whether mmcv holds its compiled operators.
        torch_cuda: CUDA version torch was built for, None for a CPU build.
        driver: CUDA driver's version, None without an NVIDIA driver.
    """
    python: Tuple[int, ...] = (3, 11)
    versions: Dict[str, str] = field(default_factory=dict)
    places: Dict[str, Place] = field(default_factory=dict)
    compiled_ops: bool = False
    torch_cuda: Optional[str] = None
    driver: Optional[str] = None

    def installed(self, name: str) -> List[str]:
        """Distributions of a family (or the one of that name) that are installed."""
        return [d for d in FAMILIES.get(name, (name, )) if d in self.versions]

    def at(self, *names: str) -> Tuple[int, ...]:
        """Version numbers of the first of these distributions that is installed, () if none is."""
        return next((release(self.versions[n]) for n in names if n in self.versions), ())

    @property
    def fork(self) -> bool:
        """Whether the stack is the maintained forks: by majority, else by torch (mmcv 2.1.0 has wheels up to 2.1)."""
        names = [d for name in ('mmengine', 'mmcv', 'mmseg') for d in self.installed(name)]
        forks = sum(d.startswith('onedl-') for d in names)
        if 2 * forks != len(names):
            return 2 * forks > len(names)
        return not (0, ) < self.at('torch') < (2, 3)


def release(version: str) -> Tuple[int, ...]:
    """The numbers of a version: '2.14.0+cu130' -> (2, 14, 0), '2.0.0rc4' -> (2, 0, 0)."""
    match = re.match(r'\d+(\.\d+)*', version)
    return tuple(int(n) for n in match.group().split('.')) if match else ()


def survey(path: Optional[Sequence[str]] = None) -> Environment:
    """Look at what is installed on ``path`` (default: ``sys.path``); imports none of it."""
    path = list(sys.path if path is None else path)
    known = {name for family in FAMILIES.values() for name in family} | set(SINGLE) | {'segfusion'}
    versions: Dict[str, str] = {}
    for dist in metadata.distributions(path=path):
        name = re.sub(r'[-_.]+', '-', dist.metadata['Name'] or '').lower()
        if name in known:
            versions.setdefault(name, dist.version)  # the first on the path is the one that is imported
    places = {name: place for name in IMPORTS for place in [_place(name, path)] if place}
    ops = 'mmcv' in places and any(Path(places['mmcv'].folder).glob('_ext*'))
    return Environment(sys.version_info[:3], versions, places, ops, _torch_cuda(places.get('torch')), _driver())


def _place(name: str, path: Sequence[str]) -> Optional[Place]:
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is None:
        return None
    folder = Path(spec.origin).parent if spec.origin else Path(next(iter(spec.submodule_search_locations or ['?'])))
    version = re.search(r'''^__version__\s*=\s*['"]([^'"]+)''', _read(folder / 'version.py'), re.M)
    return Place(str(folder), version and version.group(1))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors='ignore')
    except OSError:
        return ''


def _torch_cuda(place: Optional[Place]) -> Optional[str]:
    found = place and re.search(r'''^cuda\b.*=\s*['"]([\d.]+)''', _read(Path(place.folder) / 'version.py'), re.M)
    return found.group(1) if found else None


def _driver() -> Optional[str]:
    if not shutil.which('nvidia-smi'):
        return None
    try:
        text = subprocess.run(['nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader'], text=True,
                              capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return text.stdout.split('\n')[0].strip() or None if text.returncode == 0 else None
