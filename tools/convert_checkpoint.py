"""Convert the authors' checkpoint into one that ``mim test`` loads: strictly, or not at all."""
import argparse
import sys

from mmengine.config import DictAction

from segfusion.convert import LAYOUTS, convert_file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', required=True, help='config of the network the file was trained with')
    parser.add_argument('--layout', choices=[layout.name for layout in LAYOUTS], help='if the file does not tell')
    parser.add_argument('--trust', action='store_true', help='allow the file to run code while it is read')
    parser.add_argument('--overwrite', action='store_true', help='replace DST if it exists')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={},
                        help='changes of the config, key=value; end them with --')
    parser.add_argument('src', metavar='SRC')
    parser.add_argument('dst', metavar='DST')
    args = parser.parse_args()
    try:
        report = convert_file(args.config, args.src, args.dst, args.layout, args.trust or None, args.overwrite,
                              args.cfg_options)
    except (ValueError, OSError) as error:
        print(f'convert_checkpoint: {error}', file=sys.stderr)
        return 1
    print('\n'.join(report.lines()))
    print(f'wrote {args.dst}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
