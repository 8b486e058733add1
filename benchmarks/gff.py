"""GFF against its straightforward formulation: same weights, same outputs, ratios of time and peak memory.

    python benchmarks/gff.py                     # 256x512, two threads

The straightforward formulation is the equations as they read: it gates every pair of levels anew, resizes one map at a
time, and convolves the concatenation of resized maps. Ours gates each level once, adds what shares a grid before
resizing, and mixes channels before resizing. Both have the same layers and run in one process, interleaved; the outputs
are compared first, and the run fails if they differ. "prepared" adds what ``prepare_for_inference`` does to any
network.
The head alone, from the trunk's levels on, is a scenario of its own.
"""
import argparse
import copy
import sys
from pathlib import Path
from typing import Callable, Dict, List, Sequence

import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor, nn

from segfusion import register_all
from segfusion.deploy import prepare_for_inference
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.race import ResultFile, race
from segfusion.models.decode_heads import GFFHead

ROOT = Path(__file__).resolve().parents[1]
PLAIN, OURS, PREPARED = 'straightforward', 'ours', 'ours, prepared'


def up(x: Tensor, size, align_corners: bool) -> Tensor:
    return F.interpolate(x, size=size, mode='bilinear', align_corners=align_corners)


def straightforward(head: GFFHead, levels: Sequence[Tensor]) -> Tensor:
    """The paper's form with the layers of ``head``, written as its equations read."""
    corners = head.align_corners
    context = head.context(levels[-1])
    reduced = [conv(x) for conv, x in zip(head.reduce_convs, levels)]
    gates = head.fusion.gate_convs
    fused = []
    for i, x in enumerate(reduced):
        total = 0
        for j, other in enumerate(reduced):
            if j != i:
                total = total + up(gates[j](levels[j]).sigmoid() * other, x.shape[2:], corners)
        own = gates[i](levels[i]).sigmoid()
        fused.append((1 + own) * x + (1 - own) * total)
    maps: List[Tensor] = [context]
    for block, x in zip(head.dense_blocks, reversed(fused)):
        maps.append(block(torch.cat([up(m, x.shape[2:], corners) for m in [*maps, x]], dim=1)))
    merged = head.merge_convs[0](torch.cat([up(m, fused[0].shape[2:], corners) for m in maps], dim=1))
    return head.cls_seg(merged)


def build_runs(config: str, size: Sequence[int], train_size: Sequence[int]) -> Dict[str, Dict[str, Callable]]:
    """What is timed: scenario, then formulation. Each call runs it once and returns the logits."""
    register_all()
    torch.manual_seed(0)
    config = Config.fromfile(config)
    config.merge_from_dict({'model.auxiliary_head': None, 'model.pretrained': None})
    model = build_segmentor(config)
    if not isinstance(model.decode_head, GFFHead) or model.decode_head.form != 'paper':
        raise SystemExit("benchmarks/gff.py compares the paper's form of GFFHead; give a config that has it")
    prepared = prepare_for_inference(copy.deepcopy(model))
    trained = copy.deepcopy(model).train()
    for module in trained.modules():
        if isinstance(module, nn.Dropout2d):
            module.p = 0.  # it would draw different numbers in the two formulations
    image, batch = torch.randn(1, 3, *size), torch.randn(2, 3, *train_size)
    with torch.no_grad():
        levels = model.backbone(image)
    laid_out = [level.contiguous(memory_format=torch.channels_last) for level in levels]

    @torch.no_grad()
    def network(form, model):
        return form(model.decode_head, model.backbone(image))

    @torch.no_grad()
    def head(form, model, levels):
        return form(model.decode_head, levels)

    def step(form):
        logits = form(trained.decode_head, trained.backbone(batch))
        logits.square().mean().backward()
        trained.zero_grad(set_to_none=True)  # the next step starts without, so gradients count as its memory
        return logits.detach()

    ours = GFFHead.forward
    return {
        f'network, inference {size[0]}x{size[1]}': {
            PLAIN: lambda: network(straightforward, model),
            OURS: lambda: network(ours, model),
            PREPARED: lambda: network(ours, prepared),
        },
        f'head, inference {size[0]}x{size[1]}': {
            PLAIN: lambda: head(straightforward, model, levels),
            OURS: lambda: head(ours, model, levels),
            PREPARED: lambda: head(ours, prepared, laid_out),
        },
        f'network, training step 2x{train_size[0]}x{train_size[1]}': {
            PLAIN: lambda: step(straightforward),
            OURS: lambda: step(ours),
        },
    }


def check_outputs(runs: Dict[str, Dict[str, Callable]]) -> float:
    """The largest difference from the straightforward logits, in their standard deviation."""
    worst = 0.
    for scenario, forms in runs.items():
        expected = forms[PLAIN]()
        for name, form in forms.items():
            error = ((form() - expected).abs().max() / expected.std()).item()
            # Folding norms rounds every weight anew; batch statistics carry rounding through every layer.
            limit = 1e-3 if name == PREPARED or 'training' in scenario else 3e-5
            if not error < limit:
                raise SystemExit(f'{scenario}: {name} differs from the straightforward formulation by {error:.1e}')
            worst = max(worst, error if limit == 3e-5 else 0.)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default=str(ROOT / 'configs' / '_base_' / 'models' / 'gff_r50-d8.py'))
    parser.add_argument('--size', type=int, nargs=2, default=[256, 512], metavar=('H', 'W'))
    parser.add_argument('--train-size', type=int, nargs=2, default=[256, 512], metavar=('H', 'W'))
    parser.add_argument('--only', choices=['network, inference', 'head', 'training'],
                        help='one scenario; the rows of the others stay')
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', default=str(ROOT / 'benchmarks' / 'results' / 'gff.json'))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    runs = build_runs(args.config, args.size, args.train_size)
    print(f'largest difference of the logits: {check_outputs(runs):.1e} of their standard deviation')
    results = ResultFile(args.out, 'python benchmarks/gff.py', update=bool(args.only),
                         size=args.size, train_size=args.train_size)
    for scenario, forms in runs.items():
        if args.only and args.only not in scenario:
            continue
        laps = race(forms, args.repeats, report=lambda text: print(scenario, text, file=sys.stderr))
        plain = laps[PLAIN]
        rows = [[scenario, lap.name, lap.median, plain.median / lap.median, lap.memory,
                  lap.memory and plain.memory / lap.memory] for lap in laps.values()]
        columns = ['scenario', 'formulation', 'ms', 'times faster', 'peak memory (MiB)', 'times less']
        results.extend('gff', columns, rows, ['', '', '.0f', '.2f', '.0f', '.2f'])


if __name__ == '__main__':
    main()
