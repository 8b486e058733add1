"""Cost of networks beside what a short training of equal length gives them. Not a reproduction of any paper.

    CAMVID_ROOT=... python benchmarks/classics.py configs/enet/enet_1xb8-20k-scratch_camvid-360x480.py ... \
        --iterations 300 --batch-size 4 --size 180 240

Every network sees the same images in the same order, at the same reduced size, with the optimiser of its config.
"""
import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor, environment, measure
from segfusion.study.short_run import run_short, short_run_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+')
    parser.add_argument('--iterations', type=int, default=300)
    parser.add_argument('--batch-size', type=int, default=4)
    parser.add_argument('--size', type=int, nargs=2, default=[180, 240], metavar=('H', 'W'))
    parser.add_argument('--count-size', type=int, nargs=2, default=[360, 480], metavar=('H', 'W'))
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--json', help='write every run to this file as soon as it is finished')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    runs, costs = [], []
    for path in args.configs:
        costs += measure({Path(path).stem: build_segmentor(path)}, args.count_size, repeats=0)
        with tempfile.TemporaryDirectory() as work_dir:
            runs.append(run_short(path, work_dir, tuple(args.size), args.iterations, args.batch_size))
        print(short_run_table(runs[-1:], costs), file=sys.stderr, flush=True)
        if args.json:
            Path(args.json).write_text(json.dumps([asdict(run) for run in runs], indent=2))
    print(', '.join(f'{key} {value}' for key, value in environment().items()))
    print(f'Trained for {args.iterations} iterations of {args.batch_size} images only: not a reproduction. Scores on '
          'the test split at full size.')
    print(short_run_table(runs, costs))


if __name__ == '__main__':
    main()
