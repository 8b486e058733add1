"""Write a sheet of samples of any data set config: image | truth, and a legend.

Example::

    python tools/browse_dataset.py configs/_base_/datasets/street_scenes.py --out docs/images/street_scenes.png
"""
import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from mmseg.registry import DATASETS
from PIL import Image

import segfusion
from segfusion.visualization import contact_sheet


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a data set config, or any config that inherits one')
    parser.add_argument('--split', default='train', choices=['train', 'val', 'test'])
    parser.add_argument('--out', default='work_dirs/browse.png', help='the image to write')
    parser.add_argument('--indices', type=int, nargs='+', help='which samples; default: eight, evenly spaced')
    parser.add_argument('--columns', type=int, default=2, help='samples a row')
    parser.add_argument('--width', type=int, default=256, help='width of an image on the sheet, pixels')
    parser.add_argument('--augmented', action='store_true', help='show what the pipeline yields, not the files')
    parser.add_argument('--colours', type=int, help='reduce to so many colours (2..256), for a smaller file')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='overrides, key=value')
    return parser.parse_args()


def main():
    args = parse_args()
    segfusion.register_all()
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options or {})
    dataset = DATASETS.build(config[f'{args.split}_dataloader'].dataset)
    indices = args.indices or sorted({len(dataset) * i // 8 for i in range(8)})
    sheet = Image.fromarray(contact_sheet(dataset, indices, args.columns, args.width, args.augmented))
    if args.colours:
        sheet = sheet.quantize(args.colours, dither=0)
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.out, optimize=True)
    print(f'{len(indices)} of {len(dataset)} samples in {args.out}')


if __name__ == '__main__':
    main()
