"""Compare some masks of every split with the classes and with all heads of a config, in seconds.

    python tools/audit_labels.py CONFIG [--num-samples 200]

Any data set config of mmseg's form will do. Exit code 0 if everything fits, 1 otherwise.
"""
import argparse
import sys

from mmseg.registry import DATASETS

from segfusion import register_all
from segfusion.datasets.audit import audit_dataset, heads_of
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.loading import load_config


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--splits', nargs='+', default=['train', 'val', 'test'], choices=['train', 'val', 'test'])
    parser.add_argument('--num-samples', type=int, default=32, help='samples to read of a data set, evenly spread')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='overrides, key=value')
    args = parser.parse_args()
    register_all()
    try:
        config = load_config(args.config, args.cfg_options)
        heads = heads_of(build_segmentor(config)) if 'model' in config else []
    except (ValueError, TypeError, OSError) as error:
        print(f'audit_labels: {error}', file=sys.stderr)
        return 1
    for head in heads:
        print(f'{head.name:<24} {head.num_classes} classes, ignores {head.ignore_index}')
    wrong = 0
    for split in args.splits:
        loader = config.get(f'{split}_dataloader')
        if not loader:
            continue
        try:
            audits = audit_dataset(DATASETS.build(loader.dataset), heads, args.num_samples, split == 'train')
        except (ValueError, OSError) as error:  # the data set refuses its folders
            print(f'\n{split}: FAIL {error}')
            wrong += 1
            continue
        for audit in audits:
            print(f'\n{split}: {audit.name}, {audit.looked_at} of {audit.size} images and masks looked at')
            if audit.pixels:
                print(audit.table())
            print('\n'.join([f'  FAIL {p}' for p in audit.problems] + [f'  WARN {w}' for w in audit.warnings] or
                            ['  fits']))
            wrong += len(audit.problems)
    return int(wrong > 0)


if __name__ == '__main__':
    sys.exit(main())
