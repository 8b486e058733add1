"""Run mmseg's own tools/test.py, so that ``mim test segfusion CONFIG`` finds our configs by name."""
import runpy
from pathlib import Path

import mmseg

if __name__ == '__main__':
    runpy.run_path(str(Path(mmseg.__file__).parent / '.mim' / 'tools' / 'test.py'), run_name='__main__')
