"""Params, GMACs, latency and peak memory of any configs, interleaved in one process.

    python benchmarks/cost.py configs/sfnet/sfnet_r18_8xb2-300e_cityscapes-1024x1024.py --size 512 1024
"""
import argparse
import json
import sys
from pathlib import Path

import torch
from mmengine.config import Config

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor, cost_table, environment, measure
from segfusion.engine.optional import lacking


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+')
    parser.add_argument('--size', type=int, nargs=2, default=[512, 1024], metavar=('H', 'W'))
    parser.add_argument('--repeats', type=int, default=7, help='timed forwards a network; 0 only counts')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--json', help='also write everything to this file')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    lost = {path: lacking(Config.fromfile(path)) for path in args.configs}
    for path, sentences in lost.items():
        if sentences:
            print(f'left out: {path}: {sentences[0]}', file=sys.stderr)
    models = {Path(path).stem: build_segmentor(path) for path in args.configs if not lost[path]}
    costs = measure(models, args.size, args.device, args.repeats, lambda text: print(text, file=sys.stderr, flush=True))
    place = environment(args.device)
    print(', '.join(f'{key} {value}' for key, value in place.items()))
    print(cost_table(costs))
    print('Not counted: resizing, warping, pooling, norms, activations, CRF filtering.')
    if args.json:
        Path(args.json).write_text(json.dumps(dict(environment=place, costs=[c.as_dict() for c in costs]), indent=2))


if __name__ == '__main__':
    main()
