"""SFNet-R18 against its straightforward formulation: same weights, same outputs, ratios of time and memory.

    python benchmarks/sfnet.py                       # 512x1024, two threads

"plain" concatenates, builds a base grid in every alignment and keeps every norm, as the authors' code does; "ours" is
the network as trained; "ours, prepared" has gone through ``prepare_for_inference``. All three run interleaved.
"""
import argparse
import copy
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from segfusion import register_all
from segfusion.deploy import prepare_for_inference
from segfusion.diagnosis.cost import build_segmentor, environment, peak_memory

CONFIG = Path(__file__).parents[1] / 'configs' / '_base_' / 'models' / 'sfnet_r18.py'


def up(x, size):
    return F.interpolate(x, size=size, mode='bilinear', align_corners=True)


def plain_warp(x, flow):
    n, (height, width) = x.shape[0], flow.shape[2:]
    rows = torch.linspace(-1, 1, height).view(-1, 1).repeat(1, width)
    columns = torch.linspace(-1, 1, width).repeat(height, 1)
    grid = torch.cat((columns.unsqueeze(2), rows.unsqueeze(2)), 2).repeat(n, 1, 1, 1).to(x)
    size = torch.tensor([[[[width, height]]]]).to(x)
    return F.grid_sample(x, grid + flow.permute(0, 2, 3, 1) / size, align_corners=True)


def plain_forward(model, image):
    """The released forward, on our parameters."""
    head, x = model.decode_head, model.backbone(image)
    context = head.context
    pooled = [up(conv(F.adaptive_avg_pool2d(x[-1], s)), x[-1].shape[2:])
              for s, conv in zip(context.pool_scales, context.pools)]
    f = context.dropout(context.bottleneck(torch.cat([x[-1], *pooled], 1)))
    outs = [f]
    for i in reversed(range(3)):
        lateral, align = head.lateral_convs[i](x[i]), head.aligns[i]
        guide = up(align.coarse_reduce(f), lateral.shape[2:])
        f = lateral + plain_warp(f, align.flow_conv(torch.cat([guide, align.fine_reduce(lateral)], 1)))
        outs.append(head.fpn_convs[i](f))
    outs = [outs[-1]] + [up(p, outs[-1].shape[2:]) for p in reversed(outs[:-1])]
    return head.conv_seg(head.fpn_bottleneck(torch.cat(outs, 1)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', type=int, nargs=2, default=[512, 1024])
    parser.add_argument('--train-size', type=int, nargs=2, default=[256, 512])
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=2)
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    ours = build_segmentor(CONFIG, {'model.auxiliary_head': None})
    prepared = prepare_for_inference(copy.deepcopy(ours))
    image = torch.randn(1, 3, *args.size)

    runs = {
        'plain': lambda: plain_forward(ours, image),
        'ours': lambda: ours(image),
        'ours, prepared': lambda: prepared(image.contiguous(memory_format=torch.channels_last)),
    }
    print(', '.join(f'{key} {value}' for key, value in environment().items()))
    with torch.no_grad():
        reference = runs['plain']()
        for name, run in runs.items():
            error = ((run() - reference).abs().max() / reference.std()).item()
            assert error < 1e-3, f'{name} computes something else: {error}'
        report(f'inference, {args.size[0]}x{args.size[1]}', runs, args.repeats)

    batch = torch.randn(2, 3, *args.train_size)
    ours.train()

    def step(forward):
        ours.zero_grad(set_to_none=True)
        forward(batch).square().mean().backward()

    report(f'training step, batch 2, {args.train_size[0]}x{args.train_size[1]}', {
        'plain': lambda: step(lambda x: plain_forward(ours, x)),
        'ours': lambda: step(ours),
    }, args.repeats)


def report(title, runs, repeats):
    memory = {name: peak_memory(run, 'cpu') for name, run in runs.items()}
    times = {name: [] for name in runs}
    for i in range(repeats):
        print(f'\r{title}: round {i + 1} of {repeats}', end='', file=sys.stderr, flush=True)
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
    print(file=sys.stderr)
    base = statistics.median(times['plain'])
    print(f'\n{title}\n\n| | median (ms) | min (ms) | speed-up | peak memory (MiB) |\n| --- | --- | --- | --- | --- |')
    for name, values in times.items():
        median = statistics.median(values)
        peak = '-' if memory[name] is None else f'{memory[name]:.0f}'
        print(f'| {name} | {median:.0f} | {min(values):.0f} | {base / median:.2f} | {peak} |')


if __name__ == '__main__':
    main()
