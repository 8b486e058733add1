"""Draw what a network decides inside: offset fields, gates, what a refiner changed, entropy, errors at boundaries.

    python tools/inspect_fusion.py CONFIG CHECKPOINT --index 0 7 --out work_dirs/look
    python tools/inspect_fusion.py CONFIG CHECKPOINT --image street.png --show prediction gate
    python tools/inspect_fusion.py CONFIG CHECKPOINT --beside CONFIG2 CHECKPOINT2
"""
import argparse
import re
from pathlib import Path

from mmcv.transforms import Compose
from mmengine.config import Config, DictAction
from mmseg.registry import DATASETS
from PIL import Image

from segfusion import register_all
from segfusion.deploy import load_segmentor
from segfusion.deploy.folder import voc_palette
from segfusion.deploy.load import image_pipeline
from segfusion.engine.checkpoints import trust_checkpoints
from segfusion.visualization import SHOW, check_indices, draw_beside, draw_cells, draw_panel, inspect


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--index', type=int, nargs='+', help='which samples of the test set; default: 0')
    parser.add_argument('--image', nargs='+', help='image files instead; without truth')
    parser.add_argument('--beside', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help='another network, drawn first')
    parser.add_argument('--names', nargs=2, help='of that one and of this one; default: the names of the files')
    parser.add_argument('--out', default='work_dirs/inspect', help='folder for one <name>.png a sample')
    parser.add_argument('--show', nargs='+', choices=SHOW, help='default: everything there is to draw')
    parser.add_argument('--band', type=int, default=5, help='half width of the band of boundary errors, pixels')
    parser.add_argument('--cells', action='store_true', help='also every part alone, in a folder <name>/')
    parser.add_argument('--trust', action='store_true', help='allow the checkpoint to run code while it is read')
    parser.add_argument('--overwrite', action='store_true', help='replace panels that are there')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='as in mmseg, e.g. key=value')
    args = parser.parse_args()
    if args.image and args.index:
        parser.error('give --index or --image, not both')
    return args


def samples(config, dataset, args):
    """(name, function that loads it) of everything to draw."""
    if not args.image:
        check_indices(args.index or [0], len(dataset))
        return [(f'{index:04d}', lambda index=index: dataset[index]) for index in args.index or [0]]
    names = [Path(path).stem for path in args.image]
    if len(set(names)) < len(names):
        raise SystemExit('two images have the same name, so would their panels; draw them one after the other')
    read = Compose(image_pipeline(config))
    return [(name, lambda path=path: read(dict(img_path=path))) for name, path in zip(names, args.image)]


def main() -> None:
    args = parse_args()
    register_all()
    if args.trust:
        trust_checkpoints()
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options or {})
    dataset = None if args.image else DATASETS.build(config.test_dataloader.dataset)
    todo = samples(config, dataset, args)
    out = Path(args.out)
    there = [str(out / f'{name}.png') for name, _ in todo if (out / f'{name}.png').exists()]
    if there and not args.overwrite:
        raise SystemExit(f'{there[0]} exists already; choose another --out, or pass --overwrite')
    try:
        model = load_segmentor(config, args.checkpoint, args.device)
        other = load_segmentor(*args.beside, args.device) if args.beside else None
    except (ValueError, OSError) as error:
        raise SystemExit(f'inspect_fusion: {error}') from None
    meta = model.dataset_meta if dataset is None else dataset.metainfo
    palette = meta.get('palette') or voc_palette()[:len(meta['classes'])].tolist()
    names = args.names or [Path(path).stem for path in (args.beside or ['', ''])[1:] + [args.checkpoint]]
    out.mkdir(parents=True, exist_ok=True)
    for name, sample in todo:
        found = inspect(model, sample())
        how = dict(show=args.show, band=args.band)
        panel = draw_panel(*found, palette, meta['classes'], **how) if other is None else draw_beside(
            inspect(other, sample()), found, names, palette, meta['classes'], **how)
        panel.save(out / f'{name}.png')
        print(f'wrote {out / name}.png')
        if args.cells:
            (out / name).mkdir(exist_ok=True)
            for i, cell in enumerate(draw_cells(*found, palette, show=args.show, band=args.band)):
                title = re.sub(r'[^\w.]+', '-', cell.title.split(':')[0].split(',')[0]).strip('-')
                Image.fromarray(cell.image).save(out / name / f'{i:02d}-{title}.png')


if __name__ == '__main__':
    main()
