"""Train any config for a few iterations at a small size: a smoke test with a score, never a reproduction."""
import copy
import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Sequence, Tuple, Union

from mmengine.config import Config
from mmengine.runner import Runner


@dataclass
class ShortRun:
    """What a short training gave: scores in percent on the whole test split, seconds of training."""
    name: str
    size: Tuple[int, int]
    images: int
    seconds: float
    scores: Dict[str, float]


def shorten(config: Config, size: Tuple[int, int], iterations: int, batch_size: int, seed: int = 0) -> Config:
    """The same network and optimiser, less data and time.

    Images are resized to ``size`` and flipped, nothing else. Predictions are resized back, so scores are at the size
    of the labels. The learning rate warms up for a tenth of the iterations, then decays to nothing. There is no
    validation and no checkpoint.

    Args:
        config: Config of a network on a folder data set.
        size: Height and width of the resized images.
        iterations: Optimiser steps.
        batch_size: Images a step.
        seed: Of the order of the images, the weights and dropout.
    """
    config = copy.deepcopy(config)
    height, width = size
    resize = dict(type='Resize', scale=(width, height), keep_ratio=False)
    config.train_dataloader.dataset.pipeline = [
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), resize, dict(type='RandomFlip', prob=0.5),
        dict(type='PackSegInputs')
    ]
    config.test_dataloader.dataset.pipeline = [
        dict(type='LoadImageFromFile'), resize, dict(type='LoadAnnotations'), dict(type='PackSegInputs')
    ]
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    config.train_dataloader.batch_size = batch_size
    config.model.data_preprocessor.size = size
    config.train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations + 1)
    config.val_cfg = config.val_dataloader = config.val_evaluator = None
    warm = max(iterations // 10, 1)
    config.param_scheduler = [
        dict(type='LinearLR', start_factor=0.01, begin=0, end=warm, by_epoch=False),
        dict(type='PolyLR', eta_min=0, power=0.9, begin=warm, end=iterations + 1, by_epoch=False)
    ]
    config.default_hooks.checkpoint = None
    config.default_hooks.pop('visualization', None)
    config.custom_hooks = []
    config.randomness = dict(seed=seed)
    return config


_runs = itertools.count()


def own_visualizer(config: Config) -> None:
    """Name the visualizer anew: it is a singleton by name, and a second run would write to the first one's folder."""
    config.visualizer = dict(config.visualizer, name=f'run_{next(_runs)}')


def run_short(path: Union[str, Path], work_dir: Union[str, Path], size: Tuple[int, int], iterations: int,
              batch_size: int, **options) -> ShortRun:
    """Train and test one config as :func:`shorten` says; ``options`` are dotted keys of the config."""
    config = Config.fromfile(path)
    config.merge_from_dict(options)
    config = shorten(config, size, iterations, batch_size)
    config.work_dir = str(work_dir)
    own_visualizer(config)
    runner = Runner.from_cfg(config)
    start = time.perf_counter()
    runner.train()
    seconds = time.perf_counter() - start
    return ShortRun(Path(path).stem, tuple(size), iterations * batch_size, seconds,
                    {key: float(value) for key, value in runner.test().items()})


def short_run_table(runs: Sequence[ShortRun], costs: Sequence = ()) -> str:
    """The runs as a Markdown table, beside the :class:`~.cost.Cost` of each network if given."""
    known = {cost.name: cost for cost in costs}
    lines = [
        '| network | params (M) | GMACs | images seen, at | seconds | mIoU | aAcc |',
        '| --- | --- | --- | --- | --- | --- | --- |'
    ]
    for run in runs:
        cost = known.get(run.name)
        count = f'{cost.params / 1e6:.3f} | {cost.macs / 1e9:.2f}' if cost else '- | -'
        lines.append(f'| {run.name} | {count} | {run.images}, {run.size[0]}x{run.size[1]} | {run.seconds:.0f} | '
                     f'{run.scores["mIoU"]:.2f} | {run.scores["aAcc"]:.2f} |')
    return '\n'.join(lines)
