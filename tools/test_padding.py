"""Test a study's members with images padded to other sizes.

    python tools/test_padding.py projects/alignment_evidence 1 208x272 192x256
"""
import sys

from segfusion import register_all
from segfusion.study.padding import main

if __name__ == '__main__':
    register_all()
    try:
        sys.exit(main(sys.argv[1:]))
    except (ValueError, FileNotFoundError) as error:
        print(f'test_padding: {error}', file=sys.stderr)
        sys.exit(2)
