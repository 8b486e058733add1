"""What torch's fused attention saves: each backbone with it and without, interleaved in one process.

    python benchmarks/attention.py --size 512 512

Times on a processor are its own (of all threads together), which other programs disturb little. For the pyramid
transformers "without" is the formula, softmax(q k^T / sqrt(d)) v; for ViT and MiT it is mmseg's class, whose attention
also averages the maps that nobody reads.
"""
import argparse
import sys
from unittest import mock

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from segfusion import register_all
from segfusion.diagnosis.race import ResultFile, race

VIT = dict(img_size=512, embed_dims=192, num_layers=12, num_heads=3)
MIT = dict(embed_dims=32, num_layers=[2] * 4, num_heads=[1, 2, 5, 8], patch_sizes=[7, 3, 3, 3], sr_ratios=[8, 4, 2, 1])
TRUNKS = {
    'PVT-Tiny': dict(type='PyramidVisionTransformer', arch='tiny'),
    'PVTv2-B0': dict(type='PyramidVisionTransformerV2', arch='b0'),
    'PVTv2-B2-Li': dict(type='PyramidVisionTransformerV2', arch='b2-li'),
    'Shunted-T': dict(type='ShuntedTransformer', arch='t'),
    'MiT-B0': dict(type='MiT', **MIT),
    'ViT-Ti/16': dict(type='PlainViT', **VIT),
}
HOSTS = {
    'MiT-B0': dict(type='MixVisionTransformer', **MIT),
    'ViT-Ti/16': dict(type='VisionTransformer', patch_bias=True, **VIT),
}


def formula(q, k, v):
    return torch.softmax(q @ k.transpose(2, 3) / q.shape[3]**0.5, dim=3) @ v


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', type=int, nargs=2, default=[512, 512], metavar=('H', 'W'))
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', help='also write the table to this JSON file')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    results = ResultFile(args.out, 'python benchmarks/attention.py', args.device, size=args.size)
    image, rows = torch.randn(1, 3, *args.size, device=args.device), []
    for name, cfg in TRUNKS.items():
        ours = MODELS.build(cfg).to(args.device)
        host = MODELS.build(HOSTS[name]).to(args.device) if name in HOSTS else None
        for training in (False, True):
            laps = race({
                'fused': lambda: step(ours, image, training),
                'without': lambda: without(host or ours, image, training),
            }, args.repeats, args.device, report=lambda text: print(name, text, file=sys.stderr)).values()
            times = [lap.median if args.device.startswith('cuda') else lap.busy for lap in laps]
            rows.append([name, 'training' if training else 'inference', *times, *(lap.memory for lap in laps)])
    results.add('attention', ['backbone', 'step', 'fused (ms)', 'without (ms)', 'fused (MiB)', 'without (MiB)'], rows,
                ['', '', '.0f', '.0f', '.0f', '.0f'])


def step(trunk, image, training) -> None:
    trunk.train(training)
    with torch.set_grad_enabled(training):
        levels = trunk(image)
        if training:
            sum(level.square().mean() for level in levels).backward()
            trunk.zero_grad(set_to_none=True)


def without(trunk, image, training) -> None:
    """With the formula in place of torch's function, which the hosts' classes call from elsewhere."""
    with mock.patch.object(F, 'scaled_dot_product_attention', formula):
        step(trunk, image, training)


if __name__ == '__main__':
    main()
