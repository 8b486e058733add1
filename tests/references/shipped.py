"""Every config of ours, parsed once a process."""
from functools import lru_cache
from pathlib import Path

from mmengine.config import Config

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(p for p in ROOT.glob('configs/*/*.py') if p.parent.name != '_base_')


@lru_cache(None)
def load(path: Path) -> Config:
    """To be read only: all tests see the same object."""
    return Config.fromfile(path)
