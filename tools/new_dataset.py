"""Look at your images and masks, and write a data set config and an SFNet config that trains on them.

    python tools/new_dataset.py images/ masks/ --name cells --classes background cell nucleus

MASKS is a folder of masks (grey, palette, RGB, 16-bit), a folder of LabelMe files, or a COCO .json file of polygons.
What the files do not say is asked for. Images are never moved and nothing is overwritten; masks that are no labels yet
are written as index PNGs to data/NAME/masks.
"""
import argparse
import sys
from pathlib import Path

from segfusion.datasets.own import new_dataset
from segfusion.diagnosis.loading import ROOTS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', type=Path)
    parser.add_argument('masks', type=Path)
    parser.add_argument('--name', default='mine', help='of the data set, in file names')
    parser.add_argument('--out', type=Path, help='new folder of the configs; default: configs/NAME')
    parser.add_argument('--data', type=Path, help='new folder of label maps, if needed; default: data/NAME')
    truth = parser.add_argument_group('what the truth means')
    truth.add_argument('--classes', nargs='+', help="names, in the order of the masks' values")
    truth.add_argument('--void', nargs='+', default=[], help='values, or labels of polygons, that count for nothing')
    truth.add_argument('--colours', type=Path, help='CSV file name,r,g,b,index of colours; index 255 is void')
    truth.add_argument('--unknown-colours', choices=['nearest', 'void'], help='what other colours are')
    truth.add_argument('--unlabelled', help='class of pixels in no polygon, or void')
    files = parser.add_argument_group('which files')
    files.add_argument('--image-suffix', help='what names of images end in, e.g. _sat.jpg')
    files.add_argument('--mask-suffix', help='what names of masks end in, e.g. _mask.png')
    files.add_argument('--skip-unpaired', action='store_true', help='leave out files without partner')
    splits = parser.add_argument_group('splits (folders train, val and test in IMAGES are taken as they are)')
    splits.add_argument('--shares', nargs=3, type=float, default=[0.7, 0.15, 0.15], help='of train, val and test')
    splits.add_argument('--seed', type=int, default=0)
    splits.add_argument('--group-by', help=r"regular expression of what stays together, e.g. '^(.*)_\d+$' for frames")
    splits.add_argument('--split-files', nargs='+', type=Path, help='lists of names of your own: train val [test]')
    parser.add_argument('--weighted', action='store_true', help='weight the classes in the losses')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    shipped = next(root for root in ROOTS if (root / '_base_').is_dir())
    try:
        made = new_dataset(shipped=shipped, **vars(args))
    except (ValueError, OSError) as error:
        print(f'new_dataset: {error}', file=sys.stderr)
        return 1
    print('\n'.join(made.report))
    print(f'\npython tools/audit_labels.py {made.config}\n'
          f'mim train mmseg {made.config}\n'
          f'mim test mmseg {made.config} --checkpoint work_dirs/{made.config.stem}/iter_20000.pth')
    return 0


if __name__ == '__main__':
    sys.exit(main())
