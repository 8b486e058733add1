"""What the transforms of a training pipeline cost, beside the host's."""
import math
import shutil
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

import cv2
import numpy as np
from mmengine.dataset import Compose
from mmseg.registry import TRANSFORMS
from PIL import Image

from ..datasets.decoded import decode_folder
from ..datasets.scenes import render_scene
from .race import race

Step = Tuple[str, Callable[[dict], dict]]
LOADING = ('LoadImageFromFile', 'LoadAnnotations')
BY_HOST = dict(PhotoMetricDistortionLUT='PhotoMetricDistortion')


def stock(pipeline: Sequence[dict]) -> List[List[dict]]:
    """For each transform of a pipeline the host's that do the same, one or more."""
    return [[step['resize'], step['crop']] if step['type'] == 'FusedResizeCrop' else
            [dict(step, type=BY_HOST.get(step['type'], step['type']))] for step in pipeline]


def drawn_files(folder: Path, count: int, size: Tuple[int, int]) -> List[dict]:
    """Data infos of ``count`` drawn scenes of ``size`` (height, width) as PNG, with the noise of a camera.

    Drawn at half the size; at (1024, 2048) a file has about the 2.3 MB of an image of Cityscapes.
    """
    infos = []
    for i in range(count):
        image, label = render_scene('train', i, (size[0] // 2, size[1] // 2))
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)
        noise = np.random.default_rng(i).normal(0, 0.5, image.shape)
        infos.append(dict(img_path=str(folder / f'image{i}.png'), seg_map_path=str(folder / f'label{i}.png'),
                          label_map=None, reduce_zero_label=False))
        Image.fromarray(np.clip(image + noise, 0, 255).round().astype(np.uint8)).save(infos[-1]['img_path'])
        Image.fromarray(cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST)).save(infos[-1]['seg_map_path'])
    return infos


def decoded_files(infos: Sequence[dict], folder: Path) -> List[dict]:
    """The same samples from files that :mod:`~segfusion.datasets.decoded` made in ``folder``."""
    made = []
    for i, info in enumerate(infos):
        paths = {}
        for key in ('img_path', 'seg_map_path'):
            source = folder / 'published' / f'{key}{i}{Path(info[key]).suffix}'
            source.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(info[key], source)
            paths[key] = str(folder / 'decoded' / f'{key}{i}.png')
        made.append(dict(info, **paths))
    decode_folder(folder / 'published', folder / 'decoded', quiet=True)
    return made


def race_pipelines(pipeline: Sequence[dict], infos: Sequence[dict], decoded: Sequence[dict], draws: int, repeats: int,
                   report: Callable[[str], None] = lambda text: None) -> Tuple[Dict[str, float], List[tuple]]:
    """Milliseconds an image, medians of an interleaved race in this thread.

    Args:
        pipeline: Configs of our transforms; the host's are :func:`stock` of them.
        infos, decoded: Data infos of the same samples, from files as published and decoded ones.
        draws: Images of a round; the same random numbers in every round and way.
        repeats: Timed rounds.
        report: Called with a line of progress.

    Returns:
        tuple: ``'{stock,ours} {published,decoded}'`` to the time of all transforms; and a row
        (host's names, time, our name, time) for every transform, loading decoded files last.
    """
    ways = dict(stock=[Compose([TRANSFORMS.build(s) for s in steps]) for steps in stock(pipeline)],
                ours=[Compose([TRANSFORMS.build(step)]) for step in pipeline])
    files = dict(published=infos, decoded=decoded)

    def fresh(kind, i):
        return dict(files[kind][i % len(infos)], seg_fields=[])

    def whole(steps, kind):
        np.random.seed(0)
        for i in range(draws):
            data = fresh(kind, i)
            for step in steps:
                data = step(data)

    def one(step, inputs):
        np.random.seed(0)
        for data in inputs:
            step(dict(data, seg_fields=list(data['seg_fields'])))

    runs = {f'{way} {kind}': lambda w=way, k=kind: whole(ways[w], k) for way in ways for kind in files}
    rows = []
    for way, steps in ways.items():
        inputs = [fresh('published', i) for i in range(draws)]
        for k, step in enumerate(steps):
            runs[f'{way} {k}'] = lambda s=step, x=inputs: one(s, x)
            np.random.seed(0)
            inputs = [step(dict(data, seg_fields=list(data['seg_fields']))) for data in inputs]
    for k, (host, step) in enumerate(zip(stock(pipeline), pipeline)):
        rows.append((' + '.join(s['type'] for s in host), f'stock {k}', step['type'], f'ours {k}'))
    for k, step in enumerate(pipeline):
        if step['type'] in LOADING:
            runs[f'decoded {k}'] = lambda s=ways['ours'][k]: one(s, [fresh('decoded', i) for i in range(draws)])
            rows.append((f'{step["type"]}, decoded files', f'decoded {k}', step['type'], f'decoded {k}'))
    laps = race(runs, repeats, memory=False, report=report)
    times = {name: lap.median / draws for name, lap in laps.items()}
    return ({name: times[name] for name in list(times)[:4]},
            [(host, times[a], name, times[b]) for host, a, name, b in rows])


def workers(milliseconds: float, gpus: int, rate: float) -> int:
    """Processes that feed ``gpus`` which train ``rate`` images a second each, at so many milliseconds an image."""
    return math.ceil(gpus * rate * milliseconds / 1000)
