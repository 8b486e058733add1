"""Run mmseg's own tools/train.py, so that ``mim train segfusion CONFIG`` finds our configs by name.

Misspelt names in the config are refused first, with the nearest registered ones.
"""
import runpy
import sys
from pathlib import Path

import mmseg

from segfusion import register_all
from segfusion.diagnosis.preflight import refuse_misspelt_names
from segfusion.engine.checked_runner import ConfigError
from segfusion.engine.checkpoints import CheckpointError

if __name__ == '__main__':
    register_all()
    refuse_misspelt_names(sys.argv[1:])
    try:
        runpy.run_path(str(Path(mmseg.__file__).parent / '.mim' / 'tools' / 'train.py'), run_name='__main__')
    except (CheckpointError, ConfigError) as error:
        sys.exit(f'train: {error}')
