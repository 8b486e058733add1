"""What a machine does a second: networks in four ways side by side, data loading, and the dense CRF.

Every table is on disk as soon as it is known (see :class:`~.race.ResultFile`), and what does not fit into the time is
left out by name: a run that is cut off has measured what it had time for.
"""
import copy
import time
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch import Tensor, nn

from .cost import build_segmentor, logits, wait
from .race import Lap, ResultFile, race

WAYS = ('float32', 'bfloat16', 'channels-last', 'compiled')  # each adds to the one before
Size = Tuple[int, int]


class Budget:
    """Seconds left, and what was given up for lack of them.

    Args:
        until: Seconds since 1970.
        say: Called with a line of progress.
    """
    LATE = 'no time left'

    def __init__(self, until: float, say: Callable[[str], None] = print):
        self.until, self.say, self.left_out = until, say, []

    def allows(self, seconds: float, what: str) -> bool:
        if time.time() + seconds <= self.until:
            return True
        self.skip(what, self.LATE)
        return False

    def skip(self, what: str, why: str) -> None:
        self.say(f'left out: {what}: {why}')
        self.left_out.append([what, why])


def prepared(model: nn.Module, way: str, images: Tensor) -> Callable[[], Tensor]:
    """A call of the network in one of :data:`WAYS`; warps and CRFs keep float32 by themselves.

    Raises:
        ValueError: If there is no such way.
    """
    if way not in WAYS:
        raise ValueError(f'expected a way out of {", ".join(WAYS)}, got {way!r}')
    half, last = way != 'float32', way in WAYS[2:]
    if last:
        model = copy.deepcopy(model).to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)

    def forward(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            return logits(model, x)

    forward = torch.compile(forward, dynamic=False) if way == 'compiled' else forward

    @torch.no_grad()
    def run() -> Tensor:
        return forward(images)

    return run


def networks(configs: Dict[str, str], device: str, budget: Budget, options: Optional[dict] = None
             ) -> Dict[str, nn.Module]:
    """The networks of config files by name; what is missing or cannot be built here is left out by name."""
    models = {}
    for name, path in configs.items():
        try:
            models[name] = build_segmentor(path, options).to(device)
        except (FileNotFoundError, RuntimeError, KeyError, ValueError, ImportError) as error:
            budget.skip(name, f'{type(error).__name__}: {str(error).splitlines()[0]}')
    return models


def network_tables(models: Dict[str, nn.Module], cases: Sequence[Tuple[Size, int]], results: ResultFile, budget: Budget,
                   device: str = 'cuda', repeats: int = 15, ways: Sequence[str] = WAYS) -> None:
    """One table a case (size, batch): latency and images a second of every network in every way.

    All networks and all ways but the compiled one take turns in one race; the compiled ones, slow to begin, race later
    among themselves. Tables that the file has already are kept.
    """
    known = results.content['tables']
    for ways_together in ([way for way in ways if way != 'compiled'], [way for way in ways if way == 'compiled']):
        for (height, width), batch in cases:
            name = f'speed-{height}x{width}-b{batch}'
            rows = {row[0]: row for row in known[name]['rows']} if name in known else {
                model: [model, *[None] * (2 * len(ways))] for model in models}
            todo = {(model, way): models[model] for way in ways_together for model in models
                    if rows.get(model) and rows[model][2 * ways.index(way) + 1] is None}
            if not todo or not budget.allows(1., f'{name}, {" and ".join(ways_together)}'):
                continue
            images = torch.randn(batch, 3, height, width, device=device)
            for (model, way), lap in _race(todo, images, name, budget, device, repeats).items():
                at = 2 * ways.index(way) + 1
                rows[model][at:at + 2] = [lap.median, 1e3 * batch / lap.median]
            heads = [f'{way} {unit}' for way in ways for unit in ('(ms)', '(images/s)')]
            results.add(name, ['network', *heads], list(rows.values()), ['', *['.1f', '.0f'] * len(ways)])


def _race(todo: Dict[Tuple[str, str], nn.Module], images: Tensor, name: str, budget: Budget, device: str, repeats: int
          ) -> Dict[Tuple[str, str], Lap]:
    """A race of those that run at all, of as many rounds as there is time for."""
    runs, seconds = {}, 0.
    for (model, way), network in todo.items():
        what = f'{model}, {way}, {name}'
        if not budget.allows(4 * seconds, what):  # what is warm shall also be raced
            continue
        budget.say(f'warming up {what}')
        try:
            run = prepared(network, way, images)
            run()
            wait(device)
            start = time.perf_counter()
            run()
            wait(device)
            runs[model, way] = run
            seconds += time.perf_counter() - start
        except Exception as error:  # no memory, or not compilable: the others go on
            budget.skip(what, f'{type(error).__name__}: {(str(error).splitlines() or [""])[0]}')
    rounds = min(repeats, int((budget.until - time.time()) / max(seconds, 1e-6)) - 1)
    if rounds < 1:
        for model, way in runs:
            budget.skip(f'{model}, {way}, {name}', budget.LATE)
        return {}
    return race(runs, rounds, device, memory=False) if runs else {}


def loading_table(config: str, decoded: Optional[str], workers: Sequence[int], batches: int, results: ResultFile,
                  budget: Budget) -> None:
    """Images a second that the training data of a config come in, augmented, by number of workers.

    Once from where the config finds them, once from ``decoded``, a copy by
    :func:`~..datasets.decoded.decode_folder`.
    """
    if not budget.allows(1., 'loading'):
        return
    init_default_scope('mmseg')
    rows: List[list] = []
    for title, root in {'as published': None, 'decoded': decoded}.items():
        for count in workers:
            loader = Config.fromfile(config).train_dataloader
            loader.update(num_workers=count, persistent_workers=False)
            loader.dataset.data_root = root or loader.dataset.data_root
            source = iter(Runner.build_dataloader(loader, seed=0))
            for _ in range(min(batches, 4)):
                next(source)
            start = time.perf_counter()
            for _ in range(batches):
                next(source)
            seconds = time.perf_counter() - start
            rows.append([count, title, loader.batch_size * batches / seconds])
            results.add('loading', ['workers', 'files', 'images/s'], rows, ['', '', '.0f'])
            if not budget.allows(seconds, f'loading, {count} workers'):
                return


def crf_table(size: Size, classes: int, batches: Sequence[int], results: ResultFile, budget: Budget,
              device: str = 'cuda', repeats: int = 9, iterations: int = 10) -> None:
    """Milliseconds an image of the dense CRF by batch, lattices built anew for every call."""
    if not budget.allows(1., 'crf'):
        return
    layer = MODELS.build(dict(type='mmseg.CRFAsRNN', num_classes=classes, iterations=iterations)).to(device).eval()
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(max(batches), 3, size[0] // 16 + 1, size[1] // 16 + 1, generator=generator)
    image = (255 * nn.functional.interpolate(coarse, size, mode='bilinear')).round().to(device)
    scores = torch.randn(max(batches), classes, *size, generator=generator).to(device)

    def run(batch: int) -> Callable[[], Tensor]:
        return torch.no_grad()(lambda: layer(scores[:batch], image[:batch]))

    laps = race({str(batch): run(batch) for batch in batches}, repeats, device)
    rows = [[batch, laps[str(batch)].median, laps[str(batch)].median / batch, laps[str(batch)].memory]
            for batch in batches]
    results.add(f'crf-{size[0]}x{size[1]}x{classes}', ['batch', 'ms', 'ms an image', 'peak memory (MiB)'], rows,
                ['', '.1f', '.1f', '.0f'])
