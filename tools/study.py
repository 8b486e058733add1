"""Train, test and compare every member of a study: ``python tools/study.py projects/fusion_grid``."""
import sys

from custom_modules import register_all
from custom_modules.study.command import main

if __name__ == '__main__':
    register_all()
    sys.exit(main())
