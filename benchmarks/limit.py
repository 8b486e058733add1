"""How far every network with a head of ours is from what the machine can do.

    python benchmarks/limit.py                       # all of them
    python benchmarks/limit.py --only 'sfnet*'       # some; the tables of the others stay

A network on its primitive config, as it is and prepared, whole and trunk alone, in one interleaved run with a large
matrix product and a large copy. "of a product" is the share of the product's operations a second: what is below 0.8
says which operators take the time that the products alone would not need, with their share of it. A table of its own
has a network's operators one by one. Of Winograd's convolutions the operations are counted that are done, so the share
of a prepared network may be smaller although it is faster.
"""
import argparse
import copy
import fnmatch
import sys
from pathlib import Path

import torch

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.limit import heads_of_ours, large_copy, matrix_product, operators, reason
from segfusion.diagnosis.race import ResultFile, race
from segfusion.engine.inference import prepare_for_inference

ROOT = Path(__file__).resolve().parents[1]
SIDE, COPIED = 2048, 128  # of the product; MiB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', nargs='+', help='names in configs/_base_/models, as shell patterns')
    parser.add_argument('--size', type=int, nargs=2, default=[256, 512], metavar=('H', 'W'))
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', default=str(ROOT / 'benchmarks' / 'results' / 'limit.json'))
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    results = ResultFile(args.out, 'python benchmarks/limit.py', update=bool(args.only), size=args.size,
                         repeats=args.repeats)
    for path in heads_of_ours(ROOT / 'configs' / '_base_' / 'models'):
        if any(fnmatch.fnmatch(path.stem, pattern) for pattern in args.only or ['*']):
            measure(results, path, args)


def measure(results, path, args) -> None:
    model = build_segmentor(path, {'model.auxiliary_head': None, 'model.pretrained': None})
    image = torch.randn(1, 3, *args.size)
    nets = {'as it is': model, 'prepared': prepare_for_inference(copy.deepcopy(model))}
    runs = {'product': matrix_product(SIDE), 'copy': large_copy(COPIED)}
    for form, net in nets.items():
        runs[form], runs[f'trunk, {form}'] = (lambda n=net: n(image)), (lambda n=net: n.backbone(image))
    with torch.no_grad():
        laps = race(runs, args.repeats, memory=False, report=lambda text: print(path.stem, text, file=sys.stderr))
    limit, bandwidth = 2e-6 * SIDE**3 / laps['product'].median, 2e-6 * COPIED * 2**20 / laps['copy'].median
    summary, details = [], []
    for form in nets:
        found = operators(runs[form], 2)
        whole, trunk = laps[form].median, laps[f'trunk, {form}'].median
        flops = sum(operator.flops for operator in found)
        share = flops / whole / 1e6 / limit
        summary.append([path.stem, form, whole, trunk, 1 - trunk / whole, flops / 2e9, flops / whole / 1e6, share,
                        reason(found, limit) if share < 0.8 else ''])
        details += [[form, o.kind, o.calls, o.ms, o.ms / whole, o.gflops / limit if o.flops else None,
                     o.gbytes / bandwidth] for o in found if o.ms > 0.01 * whole]
    columns = ['network', 'form', 'ms', 'trunk (ms)', 'head', 'GMACs', 'GFLOP/s', 'of a product', 'below 0.8: time in']
    results.extend('inference', columns, summary, ['', '', '.0f', '.0f', '.0%', '.1f', '.0f', '.2f', ''])
    results.add(path.stem, ['form', 'operator', 'calls', 'ms', 'of the time', 'of a product', 'of a copy'], details,
                ['', '', '', '.1f', '.0%', '.2f', '.2f'])


if __name__ == '__main__':
    main()
