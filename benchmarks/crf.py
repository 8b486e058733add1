"""The dense CRF against pydensecrf, crfasrnn_pytorch and exact inference: time, memory, error, as ratios.

    python benchmarks/crf.py                                 # drawn street scenes
    python benchmarks/crf.py --image photo1.jpg photo2.jpg --cases 375x500x21 512x1024x19

Both peers are optional; what is not importable is left out. pydensecrf: ``pip install pydensecrf2`` (the maintained
package of the same C++; needs a compiler, Cython < 3 and setuptools < 70 with ``--no-build-isolation``).
crfasrnn_pytorch: clone it, run ``python setup.py build_ext --inplace`` in its folder ``crfasrnn``, and name the clone
with ``--crfasrnn``.

All contestants of a table run interleaved in one process; times are medians. Compare ratios, not milliseconds, and
measure on a quiet machine: with neighbours, many short parallel regions lose far more than one long thread. Where that
cannot be had, ``--threads 1`` and the column of processor time are the steadiest.
"""
import argparse
import ctypes
import gc
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from segfusion.datasets.scenes import render_scene
from segfusion.diagnosis.cost import environment, peak_memory
from segfusion.ops.crf import gaussian_filter
from segfusion.ops.crf.dense_crf import crf

try:
    import pydensecrf.densecrf as pydensecrf
except ImportError:
    pydensecrf = None
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


def race(title, runs, repeats, base):
    """Time everything in turn, and print medians, ratios to ``base`` and peak memory."""
    memory = {name: peak(run) for name, run in runs.items()}
    times, work = {name: [] for name in runs}, {name: [] for name in runs}
    for i in range(repeats):
        print(f'\r{title}: round {i + 1} of {repeats}', end='', file=sys.stderr, flush=True)
        for name, run in runs.items():
            start, worked = time.perf_counter(), time.process_time()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
            work[name].append(1e3 * (time.process_time() - worked))
    print(file=sys.stderr)
    middle = {name: statistics.median(values) for name, values in times.items()}
    busy = {name: statistics.median(values) for name, values in work.items()}
    base = base if base in runs else next(iter(runs))
    print(f'\n{title}\n\n| | median (ms) | min (ms) | / {base} | cpu (ms) | / {base} | peak memory (MiB) | / {base} '
          '|\n| --- | --- | --- | --- | --- | --- | --- | --- |')
    for name in runs:
        known = memory[name] is not None
        peak_text = f'{memory[name]:.0f} | {memory[name] / max(memory[base], 1):.2f}' if known else '- | -'
        print(f'| {name} | {middle[name]:.0f} | {min(times[name]):.0f} | {middle[name] / middle[base]:.3f} | '
              f'{busy[name]:.0f} | {busy[name] / busy[base]:.3f} | {peak_text} |')
    sys.stdout.flush()


def forget():
    gaussian_filter._position_kernel.cache_clear()


def peak(run):
    """Peak memory of a first call (MiB); what earlier calls freed is given back to the system before."""
    forget()
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass  # not glibc
    return peak_memory(run, 'cpu')


@torch.no_grad()
def inference(image, height, width, classes, repeats, sigma=(80, 13)):
    logits = evidence(height, width, classes)
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
    race(f'inference, {height}x{width}, {classes} classes, sigma {sigma}, 10 iterations', runs, repeats, 'pydensecrf')
    if pydensecrf is not None:
        theirs, q = runs['pydensecrf'](), ours().softmax(1)[0].numpy()
        print(f'\nmax |dQ| {np.abs(q - theirs).max():.1e}, equal argmax {(q.argmax(0) == theirs.argmax(0)).mean():.7f}')


def training(image, height, width, classes, repeats, peer):
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
        runs = {'crfasrnn_pytorch, forward': lambda: theirs(False), 'crfasrnn_pytorch': lambda: theirs(True)}
    for save in ('fast', 'lean'):
        runs[f'ours, {save}, forward'] = lambda s=save: ours(s, False)
        runs[f'ours, {save}'] = lambda s=save: ours(s, True)
    race(f'forward and backward, full matrices, {height}x{width}, {classes} classes, 10 iterations', runs, repeats,
         'crfasrnn_pytorch')


@torch.no_grad()
def batches(height, width, classes, repeats):
    images = torch.stack([torch.from_numpy(image_of(None, i, height, width)).permute(2, 0, 1) for i in range(4)])
    logits = torch.cat([evidence(height, width, classes, i) for i in range(4)])

    def singles():
        return torch.cat([crf(logits[i:i + 1], images[i:i + 1], iterations=10) for i in range(4)])

    runs = {'four images, one by one': singles, 'four images at once': lambda: crf(logits, images, iterations=10)}
    assert all(torch.equal(a, b) for a, b in zip(runs['four images at once'](), singles()))
    race(f'batch, {height}x{width}, {classes} classes', runs, repeats, 'four images, one by one')


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
        print(f'\rexact inference: iteration {t + 1} of {iterations}', end='', file=sys.stderr, flush=True)
        q = (unary + sum(w * n * f(q * n) for f, n, w in filters)).softmax(1)
    print(file=sys.stderr)
    return q.t().view(-1, height, width).numpy()


@torch.no_grad()
def accuracy(images, crop=64, height=188, width=250):
    """Errors against all pairs: on whole images of 188x250, and on small crops of full detail."""
    cases = ('whole image', (height, width), 21, (40, 13)), ('crop', (crop, crop), 5, (80, 13))
    for title, size, classes, sigma in cases:
        print(f'\nagainst exact inference, {title} {size[0]}x{size[1]}, {classes} classes, sigma {sigma}, 10 '
              'iterations\n\n| image | method | mean dQ | / pydensecrf | max dQ | equal argmax |\n'
              '| --- | --- | --- | --- | --- | --- |')
        for name, image in images.items():
            compare_with_exact(name, fit(image, size, title), classes, sigma)


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
        print(f'| {name} | {method} | {error.mean():.5f} | {error.mean() / base:.2f} | {error.max():.3f} | '
              f'{(q.argmax(0) == exact.argmax(0)).mean():.4f} |', flush=True)


@torch.no_grad()
def parity(images, classes=21):
    worst = 0.
    for name, image in images.items():
        height, width = image.shape[:2]
        logits, rgb = evidence(height, width, classes), torch.from_numpy(image).permute(2, 0, 1)[None]
        for sxy, srgb in SIGMAS:
            q = crf(logits, rgb, iterations=10, bilateral_sigma_xy=sxy, bilateral_sigma_rgb=srgb).softmax(1)[0].numpy()
            theirs = run_pydensecrf(image, logits[0].numpy(), 10, sxy, srgb)
            error, equal = np.abs(q - theirs).max(), (q.argmax(0) == theirs.argmax(0)).mean()
            worst = max(worst, error)
            print(f'parity, {name}, sigma ({sxy}, {srgb}): max |dQ| {error:.1e}, equal argmax {equal:.7f}', flush=True)
    print(f'worst {worst:.1e}')


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
    parser.add_argument('--parts', nargs='+', default=['inference', 'wide', 'training', 'batch', 'accuracy', 'parity'])
    parser.add_argument('--crfasrnn', help='clone of crfasrnn_pytorch, built')
    parser.add_argument('--repeats', type=int, default=9)
    parser.add_argument('--threads', type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(', '.join(f'{key} {value}' for key, value in environment().items()))
    print(f'pydensecrf: {"absent" if pydensecrf is None else "present"}')
    cases = [tuple(map(int, case.split('x'))) for case in args.cases]
    first = cases[0]
    if 'inference' in args.parts:
        for height, width, classes in cases:
            inference(image_of(args.image[0], 0, height, width), height, width, classes, args.repeats)
    height, width, classes = first
    image = image_of(args.image[0], 0, height, width)
    if 'wide' in args.parts:
        inference(image, height, width, classes, args.repeats, (160, 3))
    if 'training' in args.parts:
        peer = load_peer(args.crfasrnn, classes) if args.crfasrnn else None
        training(image, height, width, classes, args.repeats, peer)
    if 'batch' in args.parts:
        batches(height, width, classes, args.repeats)
    images = {Path(path or f'scene {i}').name: image_of(path, i, height, width)
              for i, path in enumerate(args.image if args.image[0] else [None] * 3)}
    if 'accuracy' in args.parts:
        accuracy(images)
    if 'parity' in args.parts and pydensecrf is not None:
        parity(images, classes)


if __name__ == '__main__':
    main()
