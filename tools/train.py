"""Run mmseg's own tools/train.py, so that ``mim train segfusion CONFIG`` finds our configs by name."""
import runpy
from pathlib import Path

import mmseg

if __name__ == '__main__':
    runpy.run_path(str(Path(mmseg.__file__).parent / '.mim' / 'tools' / 'train.py'), run_name='__main__')
