"""Draw, for samples of the test set: image, truth, prediction, errors and the learned offset fields."""
import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from mmseg.apis import init_model
from mmseg.registry import DATASETS

from custom_modules import register_all
from custom_modules.visualization import draw_panel, inspect


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--index', type=int, nargs='+', default=[0], help='which samples of the test set')
    parser.add_argument('--out', default='work_dirs/inspect', help='folder for <index>.png')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='as in mmseg, e.g. key=value')
    args = parser.parse_args()
    register_all()
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options or {})
    dataset = DATASETS.build(config.test_dataloader.dataset)
    model = init_model(config, args.checkpoint, device=args.device)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    for index in args.index:
        meta = dataset.metainfo
        picture = draw_panel(*inspect(model, dataset[index]), meta['palette'], meta['classes'])
        path = Path(args.out) / f'{index:04d}.png'
        picture.save(path)
        print(f'wrote {path}')


if __name__ == '__main__':
    main()
