"""What a metric adds to a test: time an image, beside mmseg's IoUMetric and a forward pass.

    python benchmarks/metrics.py
"""
import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample

from segfusion import register_all
from segfusion.diagnosis.cost import build_segmentor
from segfusion.diagnosis.race import ResultFile, race

CONFIGS = Path(__file__).resolve().parents[1] / 'configs' / 'sfnet'
# (height, width), classes, the network whose forward pass is the yardstick
SETTINGS = [((360, 480), 11, CONFIGS / 'sfnet_r18-v1c_1xb8-20k_camvid-360x480.py'),
            ((1024, 2048), 19, CONFIGS / 'sfnet_r18_8xb2-300e_cityscapes-1024x1024.py')]
NAMES = ('IoUMetric', 'FrequencyWeightedIoUMetric', 'BoundaryIoUMetric', 'TrimapIoUMetric', 'BoundaryFScoreMetric')


def scene(size, classes, quality, seed=0):
    """A truth of about 60 regions, and a prediction with bent boundaries ('good') or salted all over ('bad')."""
    generator = np.random.default_rng(seed)
    height, width = size

    def field(cells):
        rough = generator.standard_normal((cells * height // width + 2, cells + 2)).astype(np.float32)
        return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)

    place, kind = field(10), field(7)
    levels = [((f - f.min()) / np.ptp(f) * 5).astype(int) for f in (place, kind)]
    truth = (5 * levels[0] + levels[1]) % classes
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    prediction = cv2.remap(
        truth.astype(np.uint8), columns + 3 * field(40), rows + 3 * field(40), cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE).astype(int)
    if quality == 'bad':
        spots = cv2.resize(generator.random((height // 8, width // 8)), (width, height)) > 0.8
        prediction[spots] = generator.integers(0, classes, spots.sum())
    truth[-height // 20:] = 255
    maps = (PixelData(data=torch.from_numpy(x.astype(np.int64))[None]) for x in (truth, prediction))
    return SegDataSample(**dict(zip(('gt_sem_seg', 'pred_sem_seg'), maps))).to_dict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', help='also write the table to this JSON file')
    args = parser.parse_args()
    register_all()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    results, rows = ResultFile(args.out, 'python benchmarks/metrics.py'), []
    for size, classes, config in SETTINGS:
        model = build_segmentor(config).eval()
        image = torch.randn(1, 3, *size)
        for quality in ('good', 'bad'):
            sample = scene(size, classes, quality)
            runs = {'SFNet-R18 forward': lambda: model(image)}
            for name in NAMES:
                metric = METRICS.build(dict(type=name))
                metric.dataset_meta = dict(classes=[str(i) for i in range(classes)])
                runs[name] = lambda metric=metric: metric.process({}, [sample])
            with torch.no_grad():
                laps = race(runs, args.repeats, memory=False, report=lambda text: print(text, file=sys.stderr))
            forward, base = laps['SFNet-R18 forward'].median, laps['IoUMetric'].median
            rows += [[
                f'{size[0]}x{size[1]}', classes, quality, lap.name, lap.median, lap.median / base, lap.median / forward
            ] for lap in laps.values()]
    columns = ['size', 'classes', 'prediction', 'what', 'ms / image', 'of IoUMetric', 'of a forward']
    results.add('metrics', columns, rows, ['', '', '', '', '.1f', '.2f', '.3f'])


if __name__ == '__main__':
    main()
