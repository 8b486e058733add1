"""Train, test and compare every member of a study: ``python tools/study.py projects/fusion_grid``."""
import sys

from segfusion import register_all
from segfusion.study.command import main

if __name__ == '__main__':
    register_all()
    sys.exit(main())
