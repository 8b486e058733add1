"""What the deterministic forms cost: the warp alone, and training steps of whole networks.

    python benchmarks/determinism.py
"""
import argparse
import statistics
import time
from pathlib import Path

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor, environment
from segfusion.ops import warp

ROOT = Path(__file__).resolve().parents[1] / 'configs'
NETWORKS = {
    'SFNet-R18': 'sfnet/sfnet_r18_1xb4-1k_street-scenes-192x256.py',
    'AlignSeg-R18': 'alignseg/alignseg_r18_1xb4-1k_street-scenes-192x256.py',
    'GFF-R18': 'gff/gff_r18-d8_1xb4-1k_street-scenes-192x256.py',
}


def compare(run, rounds: int):
    """Medians in milliseconds without and with deterministic algorithms, interleaved after a warm-up."""
    times = {False: [], True: []}
    for i in range(rounds + 1):
        for mode in times:
            torch.use_deterministic_algorithms(mode)
            start = time.perf_counter()
            run()
            if i:
                times[mode].append(1e3 * (time.perf_counter() - start))
    torch.use_deterministic_algorithms(False)
    return [statistics.median(times[mode]) for mode in times]


def warp_step(channels: int, small, large):
    x, offset = torch.randn(2, channels, *small, requires_grad=True), torch.randn(2, 2, *large, requires_grad=True)
    probe = torch.randn(2, channels, *large)
    return lambda: torch.autograd.grad(warp(x, offset, align_corners=True, padding_mode='zeros'), (x, offset), probe)


def training_step(model: nn.Module, size):
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 11, (1, *size))), metainfo=dict(img_shape=size))
        for _ in range(2)
    ]
    images = torch.randn(2, 3, *size)
    model.train()
    return lambda: model.parse_losses(model.loss(images, samples))[0].backward()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', type=int, nargs=2, default=[192, 256], metavar=('H', 'W'))
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--threads', type=int, default=2)
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    print(', '.join(f'{key} {value}' for key, value in environment().items()))
    print('| forward and backward | as usual (ms) | deterministic (ms) | ratio |\n| --- | --- | --- | --- |')
    runs = {'warp, 128 channels, 32x64 to 64x128': warp_step(128, (32, 64), (64, 128))}
    runs.update({name: training_step(build_segmentor(str(ROOT / path)), tuple(args.size))
                 for name, path in NETWORKS.items()})
    for name, run in runs.items():
        usual, fixed = compare(run, args.rounds)
        print(f'| {name} | {usual:.0f} | {fixed:.0f} | {fixed / usual:.2f} |', flush=True)


if __name__ == '__main__':
    main()
