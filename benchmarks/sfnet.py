"""SFNet-R18 and SFNet-Lite-R18 against their straightforward formulation: same weights, same outputs, one interleaved
run of inference. Training steps are timed by ``benchmarks/training.py``.

    python benchmarks/sfnet.py                       # 512x1024, two threads

"plain" concatenates, builds a base grid in every alignment and keeps every norm, as the authors' code does; "ours" is
the network as trained; "ours, prepared" has gone through ``prepare_for_inference``.
"""
import argparse
import copy
from pathlib import Path

import torch
import torch.nn.functional as F

from segfusion import register_all
from segfusion.deploy import prepare_for_inference
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.race import ResultFile, race

ROOT = Path(__file__).parents[1]
BASES = ROOT / 'configs' / '_base_' / 'models'


def up(x, size):
    return F.interpolate(x, size=size, mode='bilinear', align_corners=True)


def plain_warp(x, flow):
    n, (height, width) = x.shape[0], flow.shape[2:]
    rows = torch.linspace(-1, 1, height).view(-1, 1).repeat(1, width)
    columns = torch.linspace(-1, 1, width).repeat(height, 1)
    grid = torch.cat((columns.unsqueeze(2), rows.unsqueeze(2)), 2).repeat(n, 1, 1, 1).to(x)
    size = torch.tensor([[[[width, height]]]]).to(x)
    return F.grid_sample(x, grid + flow.permute(0, 2, 3, 1) / size, align_corners=True)


def plain_context(context, x):
    pooled = [up(conv(F.adaptive_avg_pool2d(x, s)), x.shape[2:])
              for s, conv in zip(context.pool_scales, context.pools)]
    return context.dropout(context.bottleneck(torch.cat([x, *pooled], 1)))


def plain_sfnet(model, image):
    """The released forward on our parameters: logits, and the fused levels that deep supervision reads."""
    head, x = model.decode_head, model.backbone(image)
    f = plain_context(head.context, x[-1])
    outs, fused = [f], []
    for i in reversed(range(3)):
        lateral, align = head.lateral_convs[i](x[i]), head.aligns[i]
        guide = up(align.coarse_reduce(f), lateral.shape[2:])
        f = lateral + plain_warp(f, align.flow_conv(torch.cat([guide, align.fine_reduce(lateral)], 1)))
        fused.insert(0, f)
        outs.append(head.fpn_convs[i](f))
    outs = [outs[-1]] + [up(p, outs[-1].shape[2:]) for p in reversed(outs[:-1])]
    return head.conv_seg(head.fpn_bottleneck(torch.cat(outs, 1))), fused


def plain_sfnet_lite(model, image):
    """The released forward on our parameters: logits; there is no deep supervision."""
    head, x = model.decode_head, model.backbone(image)
    coarse, fine, part = plain_context(head.context, x[3]), head.fine_lateral(x[0]), head.fusion
    h = up(part.coarse_reduce(coarse), fine.shape[2:])
    coarse_flow, fine_flow = part.flow_conv(torch.cat([h, part.fine_reduce(fine)], 1)).chunk(2, 1)
    seen = [f(y, 1, keepdim=True) for f in (torch.mean, torch.amax) for y in (h, fine)]
    gate = part.gate_conv(torch.cat(seen, 1)).sigmoid()
    fused = plain_warp(coarse, coarse_flow) * gate + plain_warp(fine, fine_flow) * (1 - gate)
    middle = up(head.middle_lateral(x[2]), fine.shape[2:])
    return head.conv_seg(head.bottleneck(torch.cat([fused, middle], 1))), []


NETWORKS = dict(sfnet=('sfnet_r18.py', plain_sfnet), sfnet_lite=('sfnet-lite_r18.py', plain_sfnet_lite))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', type=int, nargs=2, default=[512, 1024], metavar=('H', 'W'))
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', help='also write the figures to this file')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    size = 'x'.join(map(str, args.size))
    file = ResultFile(args.out, f'python benchmarks/sfnet.py --size {" ".join(map(str, args.size))}', size=size)
    image = torch.randn(1, 3, *args.size)
    rows = []
    for name, (base, plain) in NETWORKS.items():
        ours = build_segmentor(str(BASES / base), {'model.auxiliary_head': None})
        prepared = prepare_for_inference(copy.deepcopy(ours))
        runs = {
            'plain': lambda: plain(ours, image)[0],
            'ours': lambda: ours(image),
            'ours, prepared': lambda: prepared(image.contiguous(memory_format=torch.channels_last)),
        }
        with torch.no_grad():
            reference = runs['plain']()
            for way, run in runs.items():
                error = ((run() - reference).abs().max() / reference.std()).item()
                assert error < 1e-3, f'{name}, {way} computes something else: {error}'
            laps = race(runs, args.repeats)
        rows += [[name, lap.name, lap.median, laps['plain'].median / lap.median, lap.memory] for lap in laps.values()]
    file.add('inference', ['network', 'way', 'median (ms)', 'speed-up', 'peak memory (MiB)'], rows,
             ['', '', '.0f', '.2f', '.0f'])


if __name__ == '__main__':
    main()
