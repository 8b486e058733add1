"""GFF against its straightforward formulation: same weights, same outputs, ratios of time and peak memory.

    python benchmarks/gff.py --size 512 1024

The straightforward formulation gates every pair of levels anew, brings every level and its gate to the receiver's grid
before gating where that gives the same numbers, resizes one map at a time, and convolves the concatenation of resized
maps. Ours gates each level once, adds what shares a grid before resizing, and mixes channels before resizing. Both run in
one process, interleaved; outputs are compared first, and the run fails if they differ.
"""
import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Callable, Dict, List, Sequence

import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor, nn

from custom_modules import register_all
from custom_modules.analysis import build_segmentor, environment
from custom_modules.analysis.cost import _peak_memory
from custom_modules.decode_heads import GFFHead

ROOT = Path(__file__).resolve().parents[1]


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


def compare(runs: Dict[str, Callable[[], None]], repeats: int) -> Dict[str, dict]:
    """Median time and peak memory of each, the rounds interleaved."""
    result = {name: dict(memory=_peak_memory(run, 'cpu'), times=[]) for name, run in runs.items()}  # also the warm-up
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            result[name]['times'].append(time.perf_counter() - start)
    return {name: dict(seconds=statistics.median(r['times']), memory=r['memory']) for name, r in result.items()}


def table(title: str, result: Dict[str, dict]) -> str:
    plain, ours = result['straightforward'], result['ours']

    def ratio(key):
        return '-' if plain[key] is None else f'{plain[key] / max(ours[key], 1e-9):.2f}x'

    def cell(r):
        return f'{r["seconds"]:.3f} s | ' + ('-' if r['memory'] is None else f'{r["memory"]:.0f} MiB')

    return f'| {title} | {cell(plain)} | {cell(ours)} | {ratio("seconds")} | {ratio("memory")} |'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', default=str(ROOT / 'configs' / '_base_' / 'models' / 'gff_r50-d8.py'))
    parser.add_argument('--size', type=int, nargs=2, default=[512, 1024], metavar=('H', 'W'))
    parser.add_argument('--train-size', type=int, nargs=2, default=[256, 512], metavar=('H', 'W'))
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--json', help='also write the figures to this file')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    config = Config.fromfile(args.config)
    config.merge_from_dict({'model.auxiliary_head': None, 'model.pretrained': None})
    model = build_segmentor(config)
    head, backbone = model.decode_head, model.backbone
    if not isinstance(head, GFFHead) or head.form != 'paper':
        raise SystemExit('benchmarks/gff.py compares the paper\'s form of GFFHead; give a config that has it')
    forms = dict(straightforward=lambda levels: straightforward(head, levels), ours=head)

    image = torch.randn(1, 3, *args.size)
    with torch.no_grad():
        levels = backbone(image)
        expected, got = (form(levels) for form in forms.values())
    error = ((expected - got).abs().max() / expected.std()).item()
    print(', '.join(f'{key} {value}' for key, value in environment().items()))
    print(f'largest difference of the logits: {error:.1e} of their standard deviation')
    if not error < 3e-5:
        raise SystemExit('the two formulations do not agree')

    def inference(form, features=None):
        with torch.no_grad():
            form(backbone(image) if features is None else features)

    results = {
        f'network, inference {args.size}': compare({k: lambda f=f: inference(f) for k, f in forms.items()}, args.repeats),
        f'head, inference {args.size}': compare({k: lambda f=f: inference(f, levels)
                                                 for k, f in forms.items()}, args.repeats),
    }
    del levels
    batch = torch.randn(2, 3, *args.train_size)
    _norms_in_training(model)

    def step(form):
        model.zero_grad(set_to_none=True)
        form(backbone(batch)).square().mean().backward()

    model.train()
    results[f'network, training step 2 x {args.train_size}'] = compare(
        {k: lambda f=f: step(f) for k, f in forms.items()}, args.repeats)
    print('\n'.join([
        '| | straightforward, time | memory | ours, time | memory | times faster | less memory |',
        '| --- | --- | --- | --- | --- | --- | --- |', *(table(k, r) for k, r in results.items())
    ]))
    if args.json:
        Path(args.json).write_text(json.dumps(dict(environment=environment(), error=error, results=results), indent=2))


def _norms_in_training(model: nn.Module) -> None:
    """Dropout off: it would draw different numbers in the two formulations."""
    for module in model.modules():
        if isinstance(module, nn.Dropout2d):
            module.p = 0.


if __name__ == '__main__':
    main()
