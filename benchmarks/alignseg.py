"""AlignSeg-R50: ours against the straightforward formulation, same weights, same outputs, one interleaved run of
inference. Training steps are timed by ``benchmarks/training.py``.

    python benchmarks/alignseg.py --size 512 1024 --threads 2

The straightforward formulation, written out below, resizes every level before anything else looks at it, concatenates,
predicts each offset by a branch of its own, rebuilds the sampling grid in every call, and, as the released code does,
runs its deep supervision in evaluation too. Ours convolves before it resizes. "ours, prepared" has gone through
``prepare_for_inference``, which folds norms and turns weights channels-last; the straightforward form is also given
channels-last alone, to tell the two effects apart.
"""
import argparse
import copy
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from segfusion import register_all
from segfusion.convert.engine import Layout, convert
from segfusion.convert.layouts import alignseg as layouts
from segfusion.deploy import prepare_for_inference
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.race import ResultFile, race

BASE = Path(__file__).parents[1] / 'configs' / '_base_' / 'models' / 'alignseg_r50.py'


def up(x, size):
    return F.interpolate(x, size=size, mode='bilinear', align_corners=True)


def norm_act(channels):
    return nn.Sequential(nn.BatchNorm2d(channels), nn.LeakyReLU(0.01, inplace=True))  # theirs keeps one map, too


def rename_norms(state):
    """Keys of ``norm_act`` (``X.0.weight``) as the authors' in-place activated norm has them (``X.weight``)."""
    norms = {k[:-len('running_mean')] for k in state if k.endswith('running_mean')}
    return {next((k.replace(n, n[:-2]) for n in norms if k.startswith(n)), k): v for k, v in state.items()}


class PlainRefinement(nn.Module):

    def __init__(self, cin, c=256):
        super().__init__()
        self.unify = nn.Conv2d(cin, c, 1, bias=False)
        self.residual = nn.Sequential(
            nn.Conv2d(c, c // 4, 3, padding=1, bias=False), norm_act(c // 4),
            nn.Conv2d(c // 4, c, 3, padding=1, bias=False))
        self.norm = norm_act(c)

    def forward(self, x):
        x = self.unify(x)
        return self.norm(x + self.residual(x))


def plain_warp(x, delta):
    """Sample at a grid that is built anew, ``delta`` in target pixels."""
    height, width = delta.shape[2:]
    rows = torch.linspace(-1, 1, height, device=x.device).view(-1, 1).repeat(1, width)
    columns = torch.linspace(-1, 1, width, device=x.device).repeat(height, 1)
    grid = torch.stack((columns, rows), dim=2).repeat(x.shape[0], 1, 1, 1)
    unit = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=x.device)
    return F.grid_sample(x, grid + delta.permute(0, 2, 3, 1) / unit, align_corners=True)


def offset_branch(cin, c):
    return nn.Sequential(nn.Conv2d(cin, c, 1, bias=False), norm_act(c), nn.Conv2d(c, 2, 3, padding=1, bias=False))


class PlainAlign(nn.Module):

    def __init__(self, c=256):
        super().__init__()
        self.delta_gen1, self.delta_gen2 = offset_branch(2 * c, c), offset_branch(2 * c, c)

    def forward(self, fine, coarse):
        coarse = up(coarse, fine.shape[2:])
        both = torch.cat([fine, coarse], dim=1)
        return plain_warp(coarse, self.delta_gen1(both)) + plain_warp(fine, self.delta_gen2(both))


class PlainContext(nn.Module):

    def __init__(self, cin=2048, c=256):
        super().__init__()

        def branch():
            return (nn.Conv2d(cin, cin, 1, bias=False), norm_act(cin), nn.Conv2d(cin, c, 3, padding=1, bias=False),
                    norm_act(c))

        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(3), *branch())
        self.adapt = nn.Sequential(*branch())
        self.delta_gen = offset_branch(2 * c, c)

    def forward(self, x):
        scene, local = self.pool(x), self.adapt(x)
        delta = self.delta_gen(torch.cat([local, up(scene, x.shape[2:])], dim=1))
        return plain_warp(scene, delta) + local


class PlainAlignSegHead(nn.Module):
    """The decoder and its deep supervision, under the key names of the authors' files."""

    def __init__(self, num_classes=19, c=256, in_channels=(256, 512, 1024, 2048)):
        super().__init__()
        for i, cin in enumerate((*in_channels, c), start=1):
            self.add_module(f'RRB{i}a', PlainRefinement(cin, c))
            if i > 1:
                self.add_module(f'RRB{i}b', PlainRefinement(c, c))
                self.add_module(f'CAB{i}', PlainAlign(c))
        self.CAM = PlainContext(in_channels[-1], c)
        self.head, self.dsn = (nn.Sequential(
            nn.Conv2d(c, c, 3, padding=1), norm_act(c), nn.Dropout2d(0.1), nn.Conv2d(c, num_classes, 1))
                               for _ in range(2))

    def forward(self, levels):
        d = self.RRB1a(levels[0])
        for i, level in enumerate((*levels[1:], self.CAM(levels[-1])), start=2):
            align, before, after = (getattr(self, name.format(i)) for name in ('CAB{}', 'RRB{}a', 'RRB{}b'))
            d = after(align(d, before(level)))
            if i == 3:
                side = self.dsn(d)
        return self.head(d), side


def pair(options=None):
    """Our model and the plain head, with the same drawn weights."""
    model = build_segmentor(str(BASE), options)
    plain = PlainAlignSegHead(model.decode_head.num_classes, model.decode_head.channels, model.decode_head.in_channels)
    for module in plain.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    for name, parameter in plain.named_parameters():
        if 'delta_gen' in name and name.endswith('2.weight'):
            nn.init.normal_(parameter, std=1e-2)  # some pixels
    state = model.state_dict()
    heads = {k: v for k, v in state.items() if not k.startswith('backbone.')}
    layout = Layout('plain', '', (), (*layouts.RULES, *layouts.DSN), prepare=layouts.merge_branches)
    model.load_state_dict(convert(rename_norms(plain.state_dict()), heads, layout)[0], strict=False)
    return model, plain.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', type=int, nargs=2, default=[512, 1024], metavar=('H', 'W'))
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', help='also write the figures to this file')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    size = 'x'.join(map(str, args.size))
    file = ResultFile(args.out, f'python benchmarks/alignseg.py --size {" ".join(map(str, args.size))}', size=size)
    model, plain = pair()
    image = torch.randn(1, 3, *args.size)
    fast = prepare_for_inference(copy.deepcopy(model))
    last = image.to(memory_format=torch.channels_last)
    same_layout = copy.deepcopy(model).to(memory_format=torch.channels_last)
    plain_last = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    runs = {
        'straightforward, as released': lambda: plain(model.extract_feat(image))[0],
        'the same, channels-last': lambda: plain_last(same_layout.extract_feat(last))[0],
        'ours': lambda: model(image),
        'ours, channels-last': lambda: same_layout(last),
        'ours, prepared': lambda: fast(last),
    }
    with torch.no_grad():
        expected = plain(model.extract_feat(image))[0]
        for way, run in runs.items():
            error = ((run() - expected).abs().max() / expected.std()).item()
            assert error < 1e-4, f'{way} computes something else: {error}'
        laps = list(race(runs, args.repeats).values())
    rows = [[lap.name, lap.median, laps[0].median / lap.median, lap.memory] for lap in laps]
    file.add('inference', ['way', 'median (ms)', 'speed-up', 'peak memory (MiB)'], rows, ['', '.0f', '.2f', '.0f'])


if __name__ == '__main__':
    main()
