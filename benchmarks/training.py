"""A training step of SFNet, SFNet-Lite, AlignSeg and GFF in every way a config offers, against the authors' way.

    python benchmarks/training.py                        # about a quarter of an hour on two quiet cores
    python benchmarks/training.py --networks alignseg    # one; the rows of the others stay
    python benchmarks/training.py --parts compiled       # by Inductor, which needs a C++ compiler and minutes more

The authors' way is the straightforward formulation of ``benchmarks/{sfnet,alignseg,gff}.py`` in float32 and contiguous
memory, with PyTorch's cross-entropy; ours has the losses of the heads, with the accuracy that mmseg logs. All ways have
the same weights and, before anything is timed, the same loss. A step is forward, cross-entropy of all outputs, deep
supervision included, and backward. "compiled" is what ``compile=True`` of a config compiles. Memory is what PyTorch has
allocated at most during a step, which does not depend on how busy the machine is.
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
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from sfnet import BASES, NETWORKS, up
from torch import nn

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor, peak_allocated
from segfusion.diagnosis.race import ResultFile, race
from segfusion.engine.faster_training import compile_parts, use_channels_last
from segfusion.engine.lean_loss import use_lean_loss
from segfusion.engine.lean_norm import use_lean_norm
from segfusion.engine.memory import keep_freed_memory

ROOT = Path(__file__).parents[1]
PLAIN, OURS = "the authors' way", 'ours'
PARTS = ['memory', 'speed', 'compiled']
SIZES = dict(sfnet=(384, 768), sfnet_lite=(384, 768), alignseg=(192, 384), gff=(128, 256))


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
        if isinstance(module, BaseDecodeHead):
            module.loss_decode, module.sampler = MODELS.build(dict(type='mmseg.CrossEntropyLoss')), None
    last = copy.deepcopy(model)
    use_channels_last(last)
    lean, lean_last = copy.deepcopy(model), copy.deepcopy(last)
    for net in (lean, lean_last):
        use_lean_loss(net)
    leanest, leanest_last = copy.deepcopy(lean), copy.deepcopy(lean_last)
    for net in (leanest, leanest_last):
        use_lean_norm(net)
    image = torch.randn(batch, 3, *SIZES[name])
    image_last = image.contiguous(memory_format=torch.channels_last)
    label = torch.randint(0, model.decode_head.num_classes, (batch, *SIZES[name]))
    samples = [SegDataSample(gt_sem_seg=PixelData(data=one[None])) for one in label]

    def backward(loss, modules):
        loss.backward()
        for module in modules:
            module.zero_grad(set_to_none=True)
        return loss.detach()

    def authors():
        return backward(sum(F.cross_entropy(up(y, label.shape[1:]), label) for y in plain_outputs(image)),
                        (model, plain))

    def ours(net, image, half=False):

        def step():
            with torch.autocast('cpu', torch.bfloat16, enabled=half):
                losses = net(image, samples, mode='loss')
            return backward(sum(value for key, value in losses.items() if 'loss' in key), (net, ))

        return step

    runs = {
        PLAIN: authors,
        OURS: ours(model, image),
        f'{OURS}, lean loss': ours(lean, image),
        f'{OURS}, lean loss and norm': ours(leanest, image),
        f'{OURS}, channels-last': ours(last, image_last),
        f'{OURS}, channels-last, bfloat16': ours(last, image_last, True),
        f'{OURS}, channels-last, bfloat16, lean loss': ours(lean_last, image_last, True),
        f'{OURS}, channels-last, bfloat16, lean loss and norm': ours(leanest_last, image_last, True),
    }
    for module in (model, plain, last, lean, lean_last, leanest, leanest_last):
        module.train()
    if compiled:
        fast = copy.deepcopy(model)
        compile_parts(fast)
        runs = {PLAIN: runs[PLAIN], OURS: runs[OURS], f'{OURS}, compiled': ours(fast, image)}
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--networks', nargs='+', choices=list(SIZES), help='default: all')
    parser.add_argument('--parts', nargs='+', choices=PARTS,
                        help='default: memory, which may be measured busy, and speed')
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', default=str(ROOT / 'benchmarks' / 'results' / 'training.json'))
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    file = ResultFile(args.out, 'python benchmarks/training.py', batch=args.batch, repeats=args.repeats,
                      update=bool(args.networks or args.parts))
    for part in args.parts or PARTS[:2]:
        if part != 'memory':
            keep_freed_memory()  # as our training does; here the authors' way has it, too
        for name in args.networks or SIZES:
            title, runs = f'{name}, {SIZES[name][0]}x{SIZES[name][1]}', ways(name, args.batch, part == 'compiled')
            if part == 'memory':
                memory(file, title, runs)
            else:
                speed(file, title, runs, args.repeats, 'compiled' if part == 'compiled' else 'training')


def memory(file, title, runs) -> None:
    peaks = {}
    for way, run in runs.items():
        run()  # what is allocated once
        peaks[way] = peak_allocated(run)
    rows = [[title, way, peak, peak / peaks[PLAIN]] for way, peak in peaks.items()]
    columns = ['network, crop', 'way', 'peak memory (MiB)', "of the authors'"]
    file.extend('memory', columns, rows, ['', '', '.0f', '.2f'])


def speed(file, title, runs, repeats, table) -> None:
    losses = {way: run().item() for way, run in runs.items()}  # also the warm-up
    for way, loss in losses.items():
        limit = 2e-2 if 'bfloat16' in way else 1e-4
        assert abs(loss - losses[PLAIN]) < limit * losses[PLAIN], f'{title}, {way}: {loss}, not {losses[PLAIN]}'
    laps = race(runs, repeats, memory=False,
                report=lambda text: print(f'{title}: {text}', file=sys.stderr, flush=True))
    rows = []
    for way, lap in laps.items():
        # Ratios round by round: a busy moment then hits both sides.
        wall, work = (statistics.median(a / b for a, b in zip(getattr(laps[PLAIN], t), getattr(lap, t)))
                      for t in ('times', 'work'))
        rows.append([title, way, lap.median, wall, work])
    columns = ['network, crop', 'way', 'median (ms)', 'speed-up', 'by processor time']
    file.extend(table, columns, rows, ['', '', '.0f', '.2f', '.2f'])


if __name__ == '__main__':
    main()
