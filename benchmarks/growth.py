"""Time and peak memory from small to large images: linear in pixels, or where not.

    python benchmarks/growth.py                      # SFNet, SFNet-Lite, AlignSeg, GFF prepared, and the CRF
    python benchmarks/growth.py --only gff           # one; the rows of the others stay

Exponents are those of time and memory against pixels between neighbouring sizes: 1 is linear. Where time grows faster,
the operator is named that adds most to it. A size whose peak, extrapolated from the two before, would exceed the memory
that is free is left out.
"""
import argparse
import sys
from pathlib import Path

import torch

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor, free_memory
from segfusion.diagnosis.limit import grows_fastest, growth, operators
from segfusion.diagnosis.race import ResultFile, race
from segfusion.engine.inference import prepare_for_inference
from segfusion.engine.memory import keep_freed_memory
from segfusion.models import CRFAsRNN

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = dict(sfnet='sfnet_r18', lite='sfnet-lite_r18', alignseg='alignseg_r50', gff='gff_r50-d8')
SIZES = [(256, 512), (512, 1024), (1024, 2048), (2048, 4096)]
CLASSES = 19


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', choices=[*CONFIGS, 'crf'])
    parser.add_argument('--sizes', type=int, default=len(SIZES), help='how many of the sizes')
    parser.add_argument('--repeats', type=int, default=2)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', default=str(ROOT / 'benchmarks' / 'results' / 'growth.json'))
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    results = ResultFile(args.out, 'python benchmarks/growth.py', update=args.only is not None, repeats=args.repeats,
                         classes=CLASSES)
    for name in [args.only] if args.only else [*CONFIGS, 'crf']:
        torch.manual_seed(0)
        measure(results, CONFIGS.get(name, 'CRFAsRNN, 5 iterations'), prepared(name), args)


def prepared(name):
    """Size to a call without arguments."""
    if name == 'crf':
        keep_freed_memory()  # as a prepared network does
        crf = CRFAsRNN(CLASSES).eval().requires_grad_(False)

        def run(size):
            # Smooth, as images are: the lattice of noise has a vertex a pixel.
            small = torch.rand(1, 3 + CLASSES, size[0] // 32, size[1] // 32)
            image, logits = torch.nn.functional.interpolate(small, size=size, mode='bicubic').split((3, CLASSES), dim=1)
            return lambda: crf(4 * logits, 255 * image.clamp(0, 1))
    else:
        path = ROOT / 'configs' / '_base_' / 'models' / f'{CONFIGS[name]}.py'
        model = prepare_for_inference(build_segmentor(path, {'model.auxiliary_head': None, 'model.pretrained': None}))

        def run(size):
            image = torch.randn(1, 3, *size)
            return lambda: model(image)
    return run


def measure(results, title, run, args) -> None:
    rows, pixels, times, peaks, before = [], [], [], [], None
    for size in SIZES[:args.sizes]:
        expected = 4 * peaks[-1] if peaks and peaks[-1] else 0
        if expected > 0.8 * free_memory():
            rows.append([title, f'{size[0]}x{size[1]}', None, None, None, None,
                         f'left out: about {expected / 1024:.0f} GiB'])
            break
        with torch.no_grad():
            call = run(size)
            laps = race({title: call}, args.repeats, report=lambda text: print(title, size, text, file=sys.stderr))
        lap = laps[title]
        seen = title in CONFIGS.values() and size[0] < SIZES[-1][0]  # of the CRF's loops PyTorch knows nothing
        found = operators(call, 1) if seen else None
        pixels, times, peaks = [*pixels, size[0] * size[1]], [*times, lap.median], [*peaks, lap.memory]
        time = growth(pixels[-2:], times[-2:])
        memory = growth(pixels[-2:], peaks[-2:]) if all(peaks) else []
        why = ''
        if time and time[0] > 1.05 and found:
            kind, factor = grows_fastest(before, found)
            why = f'{kind}: {factor:.1f} times'
        rows.append([title, f'{size[0]}x{size[1]}', lap.median, time[0] if time else None, lap.memory,
                     memory[0] if memory else None, why])
        before = found
        results.extend('growth', ['what', 'size', 'ms', 'exponent of time', 'peak memory (MiB)', 'exponent of memory',
                                  'where not linear'], rows, ['', '', '.0f', '.2f', '.0f', '.2f', ''])


if __name__ == '__main__':
    main()
