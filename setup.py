"""Everything static is in setup.cfg; this file only puts configs and tools into the wheel.

``mim`` looks for them under ``<package>/.mim``, so that an installed wheel is enough to train.
"""
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent.resolve()
SHIPPED = ('configs', 'tools', 'projects', 'benchmarks', 'model-index.yml')


class BuildWithMim(build_py):
    """``build_py`` that also copies what ``mim`` reads."""

    def run(self):
        super().run()
        if self.editable_mode:  # mim finds the checkout itself
            return
        target = Path(self.build_lib) / 'segfusion' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in SHIPPED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, target / name, ignore=shutil.ignore_patterns('__pycache__', '*.pyc'))
            elif source.exists():
                shutil.copy2(source, target / name)


setup(cmdclass=dict(build_py=BuildWithMim))
