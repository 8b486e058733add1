"""Label maps with blobs, and how a runner feeds them to a metric."""
import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample

CLASSES = ('road', 'car', 'sky', 'tree', 'never')


def pair(generator, size, void=True):
    """Truth of three to four blobby classes with void regions, and a prediction shifted and spotted."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    truth = np.zeros(size, np.int64)
    for c in (1, 2, 3):
        cy, cx, ry, rx = generator.uniform(0, 1, 4) * [height, width, height / 2, width / 2]
        truth[((y - cy) / (ry + 1))**2 + ((x - cx) / (rx + 1))**2 < 1] = c
    prediction = np.roll(truth, generator.integers(-2, 3, 2), (0, 1))
    spots = generator.random(size) < 0.03
    prediction[spots] = generator.integers(0, 4, spots.sum())
    if void:
        truth[generator.random(size) < 0.02] = 255
        truth[-height // 8:, : width // 3] = 255
    return truth, prediction


def pairs(sizes, void=True, seed=0):
    generator = np.random.default_rng(seed)
    return [pair(generator, size, void) for size in sizes]


def sample(truth, prediction):
    """What the model's test step returns and the evaluator passes on."""
    truth, prediction = (PixelData(data=torch.from_numpy(np.asarray(x, np.int64))[None]) for x in (truth, prediction))
    return SegDataSample(gt_sem_seg=truth, pred_sem_seg=prediction).to_dict()


def metric(type, classes=CLASSES, **options):
    built = METRICS.build(dict(type=type, **options))
    built.dataset_meta = dict(classes=classes)
    return built


def evaluate(type, couples, classes=CLASSES, batch=1, **options):
    """Scores of (truth, prediction) couples, processed in batches."""
    built = metric(type, classes, **options)
    samples = [sample(*couple) for couple in couples]
    for start in range(0, len(samples), batch):
        built.process({}, samples[start:start + batch])
    return built.evaluate(len(samples))
