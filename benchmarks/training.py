"""A training step of SFNet, SFNet-Lite, AlignSeg and GFF in every way a config offers, against the authors' way.

    python benchmarks/training.py --out benchmarks/results/training.json

The authors' way is the straightforward formulation of ``benchmarks/{sfnet,alignseg,gff}.py`` in float32 and contiguous
memory; all ways have the same weights and, before anything is timed, the same loss. A step is forward, cross-entropy of
all outputs, deep supervision included, and backward. "compiled" is what ``compile=True`` of a config compiles; it is
left out without ``--compile``, because Inductor takes minutes.
"""
import argparse
import copy
import statistics
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from alignseg import pair
from gff import straightforward
from sfnet import BASES, NETWORKS, up
from torch import nn

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.race import ResultFile, race
from segfusion.engine.faster_training import compile_parts, use_channels_last

ROOT = Path(__file__).parents[1]
PLAIN, OURS = "the authors' way", 'ours'
SIZES = dict(sfnet=(192, 384), sfnet_lite=(192, 384), alignseg=(128, 256), gff=(64, 128))


def ours_outputs(model, image):
    levels = model.extract_feat(image)
    heads = getattr(model, 'auxiliary_head', None) or []
    return [model.decode_head(levels), *(head(levels) for head in (heads if hasattr(heads, '__len__') else [heads]))]


def networks(name):
    """Our model, the plain module (ours where they share parameters), and the plain outputs of an image."""
    if name in NETWORKS:
        base, plain = NETWORKS[name]
        model = build_segmentor(BASES / base)

        def outputs(image):
            logits, fused = plain(model, image)
            heads = model.auxiliary_head if fused else []
            return [logits, *(head.cls_seg(head.conv(f)) for head, f in zip(heads, fused))]

        return model, model, outputs
    if name == 'alignseg':
        model, plain = pair()
        return model, plain, lambda image: plain(model.extract_feat(image))
    model = build_segmentor(BASES / 'gff_r50-d8.py')

    def gff(image):
        levels = model.extract_feat(image)
        return [straightforward(model.decode_head, levels), model.auxiliary_head(levels)]

    return model, model, gff


def ways(name, batch, compiled):
    """Way to step; a step returns the loss and leaves no gradient, so that gradients count as its memory."""
    model, plain, plain_outputs = networks(name)
    for module in [*model.modules(), *plain.modules()]:
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.  # every way would draw different numbers
    last = copy.deepcopy(model)
    use_channels_last(last)
    image = torch.randn(batch, 3, *SIZES[name])
    image_last = image.contiguous(memory_format=torch.channels_last)
    label = torch.randint(0, model.decode_head.num_classes, (batch, *SIZES[name]))

    def step(outputs, image, modules, half=False):
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            loss = sum(F.cross_entropy(up(y, label.shape[1:]).float(), label) for y in outputs(image))
        loss.backward()
        for module in modules:
            module.zero_grad(set_to_none=True)
        return loss.detach()

    runs = {
        PLAIN: lambda: step(plain_outputs, image, (model, plain)),
        OURS: lambda: step(lambda x: ours_outputs(model, x), image, (model, )),
        f'{OURS}, channels-last': lambda: step(lambda x: ours_outputs(last, x), image_last, (last, )),
        f'{OURS}, bfloat16': lambda: step(lambda x: ours_outputs(model, x), image, (model, ), True),
        f'{OURS}, channels-last, bfloat16': lambda: step(lambda x: ours_outputs(last, x), image_last, (last, ), True),
    }
    if compiled:
        fast = copy.deepcopy(model)
        compile_parts(fast)
        runs[f'{OURS}, compiled'] = lambda: step(lambda x: ours_outputs(fast, x), image, (fast, ))
    for module in (model, plain, last, *([fast] if compiled else [])):
        module.train()
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--networks', nargs='+', default=list(SIZES), choices=list(SIZES))
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=4)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--compile', action='store_true', help='also compiled by Inductor, which needs a C++ compiler')
    parser.add_argument('--out', help='also write the figures to this file')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    file = ResultFile(args.out, ' '.join(['python benchmarks/training.py', *sys.argv[1:]]), batch=args.batch)
    rows = []
    for name in args.networks:
        runs = ways(name, args.batch, args.compile)
        losses = {way: run().item() for way, run in runs.items()}  # also the warm-up
        for way, loss in losses.items():
            limit = 2e-2 if 'bfloat16' in way else 1e-4
            assert abs(loss - losses[PLAIN]) < limit * losses[PLAIN], f'{name}, {way}: {loss}, not {losses[PLAIN]}'
        laps = race(runs, args.repeats, report=lambda text: print(f'{name}: {text}', file=sys.stderr, flush=True))
        base = laps[PLAIN]
        size = 'x'.join(map(str, SIZES[name]))
        for way, lap in laps.items():
            # Ratios round by round: a busy moment then hits both sides.
            wall, work = (statistics.median(a / b for a, b in zip(getattr(base, t), getattr(lap, t)))
                          for t in ('times', 'work'))
            rows.append([f'{name}, {size}', way, lap.median, wall, work, lap.memory,
                         lap.memory and base.memory and lap.memory / base.memory])
        columns = ['network, crop', 'way', 'median (ms)', 'speed-up', 'by processor time', 'peak memory (MiB)',
                   "of the authors'"]
        file.add('training', columns, rows, ['', '', '.0f', '.2f', '.2f', '.0f', '.2f'])


if __name__ == '__main__':
    main()
