"""What it saves to keep freed memory: a prepared network in processes that keep it and processes that do not, in turn.

    python benchmarks/memory.py --out benchmarks/results/memory.json

A process cannot go back, so each round is a new one.
"""
import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import torch

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.race import ResultFile
from segfusion.engine import inference

MODELS = Path(__file__).resolve().parents[1] / 'configs' / '_base_' / 'models'
WAYS = {'handed back': False, 'kept': True}


def child(args, keep: bool) -> None:
    """Print, a size: median of the wall time (ms), page faults and processor time (ms) of a call."""
    register_all()
    torch.set_num_threads(args.threads)
    with patch.object(inference, 'keep_freed_memory', inference.keep_freed_memory if keep else lambda: None):
        model = inference.prepare_for_inference(
            build_segmentor(MODELS / f'{args.network}.py', {'model.auxiliary_head': None, 'model.pretrained': None}))
    found = []
    for size in args.sizes:
        height, width = map(int, size.split('x'))
        image, laps = torch.randn(1, 3, height, width), []
        with torch.no_grad():
            for number in range(args.calls + 2):  # two to warm up
                before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
                model(image)
                wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
                busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                if number > 1:
                    laps.append((1e3 * wall, after.ru_minflt - before.ru_minflt, 1e3 * busy))
        found.append([statistics.median(column) for column in zip(*laps)])
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--network', default='sfnet_r18', help='a name in configs/_base_/models')
    parser.add_argument('--sizes', nargs='+', default=['256x512', '512x1024', '1024x2048'], metavar='HxW')
    parser.add_argument('--calls', type=int, default=3)
    parser.add_argument('--repeats', type=int, default=3, help='processes a way')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', help='result file (JSON); only printed if absent')
    parser.add_argument('--child', choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args, WAYS[args.child])
    laps = {way: [] for way in WAYS}
    for number in range(args.repeats):
        for way in WAYS:
            print(f'round {number + 1} of {args.repeats}: {way}', file=sys.stderr)
            out = subprocess.run([sys.executable, *sys.argv, '--child', way], check=True, stdout=subprocess.PIPE).stdout
            laps[way].append(json.loads(out.splitlines()[-1]))
    rows = []
    for i, size in enumerate(args.sizes):
        base = None
        for way, rounds in laps.items():
            wall, faults, busy = ([one[i][k] for one in rounds] for k in range(3))
            base = base or statistics.median(wall)
            rows.append([size, way, statistics.median(wall), min(wall), max(wall), base / statistics.median(wall),
                         statistics.median(faults), statistics.median(busy)])
    file = ResultFile(args.out, 'python benchmarks/memory.py', network=args.network, repeats=args.repeats)
    file.add('memory', ['size', 'freed memory is', 'median (ms)', 'fastest', 'slowest process', 'speed-up',
                        'page faults', 'all threads (ms)'], rows, ['', '', '.0f', '.0f', '.0f', '.2f', '.0f', '.0f'])


if __name__ == '__main__':
    main()
