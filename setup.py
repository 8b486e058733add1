"""Everything static is in setup.cfg; this file only puts configs and tools into the wheel.

``mim`` looks for them under ``.mim`` in the folder of an installed package, so that a wheel is enough to train.
"""
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70.1
    from wheel.bdist_wheel import bdist_wheel

ROOT = Path(__file__).parent.resolve()
SHIPPED = ('configs', 'tools', 'projects', 'benchmarks', 'model-index.yml')


def ship(target: Path, names=SHIPPED) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns('__pycache__', '*.pyc'))
        elif source.exists():
            shutil.copy2(source, target / name)


class BuildWithMim(build_py):
    """``build_py`` that also copies what ``mim`` reads."""

    def run(self):
        super().run()
        if not self.editable_mode:  # mim finds the checkout itself
            ship(Path(self.build_lib) / 'segfusion' / '.mim')


class WheelForMim(bdist_wheel):
    """``bdist_wheel`` with a second copy beside the metadata.

    onedl-mim takes for the package's folder that of the first file in the alphabetical list of installed ones. The
    others' package comes before its metadata (``mmseg``, ``onedl_mmsegmentation-...``), ours after it.
    """

    def egg2dist(self, egginfo_path, distinfo_path):
        super().egg2dist(egginfo_path, distinfo_path)
        ship(Path(distinfo_path) / '.mim', ('configs', 'tools'))


setup(cmdclass=dict(build_py=BuildWithMim, bdist_wheel=WheelForMim))
