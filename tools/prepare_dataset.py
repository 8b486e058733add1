"""Turn a data set as downloaded into the layout that the configs expect.

    python tools/prepare_dataset.py NAME SRC DST

SRC is a folder with what you downloaded, packed or not (archives are read where they are), or one archive. DST appears
when it is whole; a run that was cut off is continued by the same command. Nothing is ever overwritten. Without SRC and
DST: the licence of NAME and where to get it. Any masks of colours: NAME colours, with --colours colours.csv (columns
name,r,g,b and, if need be, index; 255 is ignored) and SRC with images/ and masks/.
"""
import argparse
import sys

from segfusion.datasets.prepare import RECIPES, prepare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', choices=list(RECIPES))
    parser.add_argument('src', nargs='?')
    parser.add_argument('dst', nargs='?')
    parser.add_argument('--colours', help='CSV file of the colours, for NAME colours')
    parser.add_argument('--unknown-colours', choices=['refuse', 'void'],
                        help='colours in no class: an error, or ignored')
    parser.add_argument('--any-count', action='store_true', help='take what is there: no count, no checksum')
    parser.add_argument('--link', action='store_true', help='link unpacked images instead of copying them')
    args = parser.parse_args()
    recipe = RECIPES[args.name]
    print(f'{recipe.title}\n  licence: {recipe.licence}\n  from: {recipe.where}')
    if args.src is None:
        return 0
    if args.dst is None:
        parser.error('expected SRC and DST')
    options = {k: v for k, v in (('colours', args.colours), ('unknown_colours', args.unknown_colours)) if v is not None}
    try:
        manifest = prepare(args.name, recipe, args.src, args.dst, args.any_count, args.link, **options)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f'prepare_dataset: {error}', file=sys.stderr)
        return 1
    counts = ', '.join(f'{n} {split}' for split, n in manifest['counts'].items())
    print(f'{args.dst}: {"was whole already" if manifest.get("already") else "whole"} ({counts})')
    return 0


if __name__ == '__main__':
    sys.exit(main())
