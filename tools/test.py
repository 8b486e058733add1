"""Run mmseg's own tools/test.py, so that ``mim test segfusion CONFIG`` finds our configs by name.

Misspelt names in the config are refused first, with the nearest registered ones. A checkpoint that may run code is
refused, unless ``--trust`` is given.
"""
import runpy
import sys
from pathlib import Path

import mmseg

from segfusion import register_all
from segfusion.diagnosis.preflight import refuse_misspelt_names
from segfusion.engine.checkpoints import CheckpointError, trust_checkpoints

if __name__ == '__main__':
    register_all()
    if '--trust' in sys.argv:  # mmseg's parser does not know it
        sys.argv.remove('--trust')
        trust_checkpoints()
    refuse_misspelt_names(sys.argv[1:])
    try:
        runpy.run_path(str(Path(mmseg.__file__).parent / '.mim' / 'tools' / 'test.py'), run_name='__main__')
    except CheckpointError as error:
        sys.exit(f'test: {error}')
