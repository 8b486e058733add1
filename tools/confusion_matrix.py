"""Test a network and draw which class it takes for which, as per cent of each class's pixels.

    python tools/confusion_matrix.py CONFIG CHECKPOINT --out work_dirs/confusion.png

Also writes the counts, truth by row, as confusion.csv.
"""
import argparse
import csv
import sys
import tempfile
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from segfusion import register_all
from segfusion.deploy.predict import harmless
from segfusion.visualization import confusions, draw_confusion


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', default='work_dirs/confusion.png', help='picture to write; .png, .pdf or .svg')
    parser.add_argument('--overwrite', action='store_true', help='replace files that are there')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='changes of the config, key=value')
    args = parser.parse_args()
    out = Path(args.out)
    table = out.with_suffix('.csv')
    for path in (out, table):
        if path.exists() and not args.overwrite:
            print(f'confusion_matrix: {path} exists; choose another --out, or say --overwrite', file=sys.stderr)
            return 1
    register_all()
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options or {})
    config.load_from = args.checkpoint
    config.test_evaluator = dict(type='ConfusionMatrixMetric')
    with tempfile.TemporaryDirectory() as folder:
        config.work_dir = folder
        try:
            runner = Runner.from_cfg(config)
            runner.test()
        except (ValueError, OSError) as error:
            print(f'confusion_matrix: {error}', file=sys.stderr)
            return 1
    metric = runner.test_evaluator.metrics[0]
    classes = list(metric.dataset_meta['classes'])
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_confusion(metric.matrix, classes, Path(args.config).stem).savefig(out, dpi=100, bbox_inches='tight')
    with open(table, 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['truth by row', *map(harmless, classes)])
        writer.writerows([harmless(name), *row] for name, row in zip(classes, metric.matrix.tolist()))
    for name, other, share in confusions(metric.matrix, classes):
        print(f'{share:5.1f} % of {name} is taken for {other}')
    print(f'wrote {out} and {table}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
