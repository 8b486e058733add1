"""The dense CRF against pydensecrf, crfasrnn_pytorch and exact inference: time, memory, error, as ratios.

    python benchmarks/crf.py                                 # drawn street scenes
    python benchmarks/crf.py --image photo1.jpg photo2.jpg --cases 375x500x21 512x1024x19

Both peers are optional; what is not importable is left out. pydensecrf: ``pip install pydensecrf2`` (the maintained
package of the same C++; needs a compiler, Cython < 3 and setuptools < 70 with ``--no-build-isolation``).
crfasrnn_pytorch: clone it, run ``python setup.py build_ext --inplace`` in its folder ``crfasrnn``, and name the clone
with ``--crfasrnn``.

All contestants of a table run in turn in one process; times are medians. Compare ratios, not milliseconds. ``--parts
load`` keeps every core busy with other processes meanwhile, which it starts and ends; the rest wants a quiet machine.
"""
import argparse
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F

from segfusion.datasets.scenes import render_scene
from segfusion.diagnosis.race import ResultFile, race
from segfusion.ops.crf import gaussian_filter
from segfusion.ops.crf.dense_crf import crf

try:
    import pydensecrf.densecrf as pydensecrf
except ImportError:
    pydensecrf = None
PARTS = ['inference', 'load', 'wide', 'training', 'batch', 'accuracy', 'parity']
SIGMAS = [(80, 13), (160, 3), (20, 13), (40, 40), (5, 5)]


def image_of(path, index, height, width):
    """An RGB image (H, W, 3): a file, resized, or a drawn scene."""
    if path is None:
        return np.ascontiguousarray(render_scene('test', index, (height, width))[0])
    from PIL import Image
    with Image.open(path) as image:
        return np.array(image.convert('RGB').resize((width, height), Image.BICUBIC))


def evidence(height, width, classes, seed=0):
    """Logits as of a network of stride 8: regions with noise, resized."""
    g = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, classes, height // 8 + 1, width // 8 + 1, generator=g)
    coarse = F.avg_pool2d(coarse, 5, 1, 2) * 15 + torch.randn(coarse.shape, generator=g) * 0.5
    return F.interpolate(coarse, size=(height, width), mode='bilinear', align_corners=False).contiguous()


def run_pydensecrf(image, logits, iterations=10, sxy=80, srgb=13):
    height, width = image.shape[:2]
    model = pydensecrf.DenseCRF2D(width, height, len(logits))
    model.setUnaryEnergy(-logits.reshape(len(logits), -1))
    model.addPairwiseGaussian(sxy=3, compat=3)
    model.addPairwiseBilateral(sxy=sxy, srgb=srgb, rgbim=image, compat=10)
    return np.array(model.inference(iterations)).reshape(logits.shape)


class Bench:
    """The results, and how many rounds a race has."""

    def __init__(self, results, repeats):
        self.results, self.repeats = results, repeats

    def race(self, name, runs, memory=True):
        """Time the runs in turn; ratios are to the first."""
        forget()
        laps = list(race(runs, self.repeats, memory=memory, report=progress).values())
        base = laps[0]
        rows = [[lap.name, lap.median, lap.median / base.median, lap.busy, lap.busy / base.busy, lap.memory] +
                [lap.memory and lap.memory / max(base.memory, 1)] for lap in laps]
        columns = ['', 'median (ms)', f'/ {base.name}', 'all threads (ms)', f'/ {base.name}', 'peak memory (MiB)',
                   f'/ {base.name}']
        self.results.add(name, columns, rows, ['', '.0f', '.3f', '.0f', '.3f', '.0f', '.2f'])


def progress(text):
    print(f'\r{text:60}', end='', file=sys.stderr, flush=True)


def forget():
    gaussian_filter._position_kernel.cache_clear()


def by_torch(run):
    """A run without Numba's loops."""

    def call():
        with patch.object(gaussian_filter, 'strips_work', lambda dtype, device: False):
            return run()

    return call


@contextmanager
def busy_cores(processes):
    """Other processes that compute all the while."""
    others = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def ways(image, logits, sigma=(80, 13)):
    """pydensecrf if it is there, and ours."""
    array, rgb = logits[0].numpy(), torch.from_numpy(image).permute(2, 0, 1)[None]

    def ours(cold=False, **kwargs):
        if cold:
            forget()
        return crf(logits, rgb, iterations=10, bilateral_sigma_xy=sigma[0], bilateral_sigma_rgb=sigma[1], **kwargs)

    runs = {} if pydensecrf is None else {'pydensecrf': lambda: run_pydensecrf(image, array, 10, *sigma)}
    runs.update({
        'ours': ours,
        'ours, no cached lattice': lambda: ours(cold=True),
        'ours, half': lambda: ours(method='half'),
        'ours, dense': lambda: ours(method='dense'),
    })
    if gaussian_filter.strips_work(torch.float32, torch.device('cpu')):
        runs['ours, without Numba'] = by_torch(ours)
    return runs


@torch.no_grad()
def inference(bench, image, height, width, classes, sigma=(80, 13), name='inference'):
    runs = ways(image, evidence(height, width, classes), sigma)
    bench.race(f'{name}-{height}x{width}x{classes}', runs)
    if pydensecrf is not None:
        theirs, q = runs['pydensecrf'](), runs['ours']().softmax(1)[0].numpy()
        print(f'max |dQ| {np.abs(q - theirs).max():.1e}, equal argmax {(q.argmax(0) == theirs.argmax(0)).mean():.7f}')


@torch.no_grad()
def load(bench, image, height, width, classes, processes):
    """The same while every core has other work."""
    runs = ways(image, evidence(height, width, classes))
    with busy_cores(processes):
        bench.race(f'load-{height}x{width}x{classes}',
                   {k: v for k, v in runs.items() if 'dense' not in k.replace('pydense', '')}, memory=False)


def training(bench, image, height, width, classes, peer):
    logits, rgb = evidence(height, width, classes), torch.from_numpy(image).permute(2, 0, 1)[None].float()
    eye = torch.eye(classes)
    weights = [(eye * w).requires_grad_() for w in (3., 5., 1.)]
    probe = torch.randn_like(logits)

    def ours(save, backward):
        unary = logits.clone().requires_grad_()
        out = crf(unary, rgb, spatial_weight=weights[2] @ weights[0], bilateral_weight=weights[2] @ weights[1],
                  iterations=10, normalization='after', save=save)
        if backward:
            out.backward(probe)

    def theirs(backward):
        unary = logits.clone().requires_grad_()
        out = peer(rgb, unary)
        if backward:
            out.backward(probe)

    runs = {}
    if peer is not None:
        runs = {'crfasrnn_pytorch': lambda: theirs(True), 'crfasrnn_pytorch, forward': lambda: theirs(False)}
    for save in ('fast', 'lean'):
        runs[f'ours, {save}'] = lambda s=save: ours(s, True)
        runs[f'ours, {save}, forward'] = lambda s=save: ours(s, False)
    runs['ours, fast, without Numba'] = by_torch(lambda: ours('fast', True))
    bench.race('training', runs)


@torch.no_grad()
def batches(bench, height, width, classes):
    images = torch.stack([torch.from_numpy(image_of(None, i, height, width)).permute(2, 0, 1) for i in range(4)])
    logits = torch.cat([evidence(height, width, classes, i) for i in range(4)])

    def singles():
        return torch.cat([crf(logits[i:i + 1], images[i:i + 1], iterations=10) for i in range(4)])

    runs = {'four images, one by one': singles, 'four images at once': lambda: crf(logits, images, iterations=10)}
    assert all(torch.equal(a, b) for a, b in zip(runs['four images at once'](), singles()))
    bench.race('batch', runs)


def all_pairs(logits, image, iterations, sxy, srgb, step=64):
    """Exact inference without keeping the big matrix: the kernel of ``step`` pixels at a time, in float32."""
    height, width = image.shape[2:]
    unary = logits[0].flatten(1).t().contiguous()
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    points = torch.stack([x / sxy, y / sxy, *(image[0].float() / srgb)], -1).view(-1, 5)
    points = points - points.mean(0)
    square = points.square().sum(1)

    def bilateral(values):
        out = torch.empty_like(values)
        for first in range(0, len(values), step):
            part = points[first:first + step]
            near = torch.addmm(square, part, points.t(), beta=-0.5).sub_(square[first:first + step, None] / 2).exp_()
            torch.mm(near, values, out=out[first:first + step])
        return out

    def spatial(values):  # separates into rows and columns
        ky, kx = (torch.arange(n, dtype=torch.float32)[:, None].sub(torch.arange(n)).div(3).square().mul(-0.5).exp()
                  for n in (height, width))
        return torch.einsum('ab,bcd,ec->aed', ky, values.view(height, width, -1), kx).reshape(values.shape)

    ones = torch.ones(len(unary), 1)
    filters = [(f, f(ones).rsqrt(), w) for f, w in ((spatial, 3.), (bilateral, 10.))]
    q = unary.softmax(1)
    for t in range(iterations):
        progress(f'exact inference: iteration {t + 1} of {iterations}')
        q = (unary + sum(w * n * f(q * n) for f, n, w in filters)).softmax(1)
    return q.t().view(-1, height, width).numpy()


@torch.no_grad()
def accuracy(bench, images, crop=64, height=188, width=250):
    """Errors against all pairs: on whole images of 188x250, and on small crops of full detail."""
    cases = ('whole image', (height, width), 21, (40, 13)), ('crop', (crop, crop), 5, (80, 13))
    for title, size, classes, sigma in cases:
        rows = [row for name, image in images.items()
                for row in compare_with_exact(name, fit(image, size, title), classes, sigma)]
        columns = ['image', 'method', 'mean dQ', '/ pydensecrf', 'max dQ', 'equal argmax']
        bench.results.add(f'accuracy-{title.replace(" ", "-")}', columns, rows, ['', '', '.5f', '.2f', '.3f', '.4f'])


def fit(image, size, title):
    """The image halved (pixels averaged, as a photograph of that size would be), or its middle."""
    if title == 'crop':
        top, left = ((n - s) // 2 for n, s in zip(image.shape, size))
        return np.ascontiguousarray(image[top:top + size[0], left:left + size[1]])
    from PIL import Image
    return np.array(Image.fromarray(image).resize(size[::-1], Image.BOX))


def compare_with_exact(name, image, classes, sigma):
    height, width = image.shape[:2]
    logits, rgb = evidence(height, width, classes), torch.from_numpy(image).permute(2, 0, 1)[None]
    options = dict(iterations=10, bilateral_sigma_xy=sigma[0], bilateral_sigma_rgb=sigma[1])
    found = {method: crf(logits, rgb, method=method, **options).softmax(1)[0].numpy()
             for method in ('lattice', 'dense', 'half')}
    if pydensecrf is not None:
        found = {'pydensecrf': run_pydensecrf(image, logits[0].numpy(), 10, *sigma), **found}
    exact = all_pairs(logits, rgb, 10, *sigma)
    base = np.abs(found.get('pydensecrf', found['lattice']) - exact).mean()
    for method, q in found.items():
        error = np.abs(q - exact)
        yield [name, method, float(error.mean()), float(error.mean() / base), float(error.max()),
               float((q.argmax(0) == exact.argmax(0)).mean())]


@torch.no_grad()
def parity(bench, images, classes=21):
    rows = []
    for name, image in images.items():
        height, width = image.shape[:2]
        logits, rgb = evidence(height, width, classes), torch.from_numpy(image).permute(2, 0, 1)[None]
        for sxy, srgb in SIGMAS:
            q = crf(logits, rgb, iterations=10, bilateral_sigma_xy=sxy, bilateral_sigma_rgb=srgb).softmax(1)[0].numpy()
            theirs = run_pydensecrf(image, logits[0].numpy(), 10, sxy, srgb)
            rows.append([name, f'{sxy} px, {srgb} levels', float(np.abs(q - theirs).max()),
                         float((q.argmax(0) == theirs.argmax(0)).mean())])
    bench.results.add('parity', ['image', 'bandwidths', 'max dQ', 'equal argmax'], rows, ['', '', '.1e', '.7f'])


def load_peer(clone, classes):
    sys.path[:0] = [clone, str(Path(clone) / 'crfasrnn')]
    from crfasrnn.crfrnn import CrfRnn
    from crfasrnn.params import DenseCRFParams
    return CrfRnn(classes, 10, DenseCRFParams(alpha=80., beta=13., gamma=3., spatial_ker_weight=3.,
                                              bilateral_ker_weight=5.))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cases', nargs='+', default=['375x500x21', '512x1024x19', '512x512x150'], metavar='HxWxC')
    parser.add_argument('--image', nargs='+', default=[None], help='image files; drawn scenes if absent')
    parser.add_argument('--parts', nargs='+', default=PARTS, choices=PARTS)
    parser.add_argument('--crfasrnn', help='clone of crfasrnn_pytorch, built')
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--processes', type=int, default=os.cpu_count(), help='busy ones in the part "load"')
    parser.add_argument('--out', help='result file (JSON); only printed if absent')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    # As many as there are ways in turn: they would drive each other's out of the cache that one way is content with.
    gaussian_filter._position_kernel = lru_cache(16)(gaussian_filter._position_kernel.__wrapped__)
    results = ResultFile(args.out, ' '.join(['python benchmarks/crf.py', *sys.argv[1:]]),
                         images=[Path(path).name if path else 'drawn scene' for path in args.image],
                         pydensecrf=pydensecrf is not None, numba=gaussian_filter.strips_work(
                             torch.float32, torch.device('cpu')), busy_processes=args.processes)
    bench = Bench(results, args.repeats)
    cases = [tuple(map(int, case.split('x'))) for case in args.cases]
    height, width, classes = first = cases[0]
    image = image_of(args.image[0], 0, height, width)
    if 'inference' in args.parts:
        for case in cases:
            inference(bench, image_of(args.image[0], 0, *case[:2]), *case)
    if 'load' in args.parts:
        load(bench, image, *first, args.processes)
    if 'wide' in args.parts:
        inference(bench, image, *first, (160, 3), 'wide')
    if 'training' in args.parts:
        training(bench, image, *first, load_peer(args.crfasrnn, classes) if args.crfasrnn else None)
    if 'batch' in args.parts:
        batches(bench, *first)
    images = {Path(path or f'scene {i}').name: image_of(path, i, height, width)
              for i, path in enumerate(args.image if args.image[0] else [None] * 3)}
    if 'accuracy' in args.parts:
        accuracy(bench, images)
    if 'parity' in args.parts and pydensecrf is not None:
        parity(bench, images, classes)


if __name__ == '__main__':
    main()
