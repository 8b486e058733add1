"""Training that a kill does not change.

What a resumed run draws at random must not depend on what it drew before, because that is lost. So nothing is drawn
from a stream that flows through the whole training:

* every *sample* is augmented with a seed made of (seed, rank, epoch, position in the sampler), whichever worker loads
  it: the data do not depend on the number of workers either, and a sampler can be moved forward without loading;
* every *step* (dropout, sampling losses) begins with a seed made of (seed, rank, iteration).
"""
import copy
import itertools
import random
from typing import Any, Iterator, NamedTuple, Optional, Sequence

import numpy as np
import torch
from mmengine.dist import get_rank, sync_random_seed
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmseg.registry import DATA_SAMPLERS, DATASETS, LOOPS
from torch.utils.data import DataLoader, Sampler


class Pick(NamedTuple):
    """An index of the inner sampler and the seed of everything drawn for it."""
    index: Any
    seed: int


def seed_of(*parts: int) -> int:
    """A 32-bit seed from several numbers; near numbers give unrelated seeds."""
    return int(np.random.SeedSequence([int(part) % 2**63 for part in parts]).generate_state(1)[0])


def set_seed(seed: int) -> None:
    """Seed Python, numpy and torch, CUDA included."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@DATASETS.register_module()
class SeededDataset:
    """Any data set, its randomness seeded sample by sample as :class:`SeededSampler` says.

    Args:
        dataset (dict | Dataset): What to wrap.
        lazy_init (bool): Passed on by mmengine; the inner data set decides.
    """

    def __init__(self, dataset, lazy_init: bool = False):
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, pick):
        if not isinstance(pick, Pick):
            return self.dataset[pick]
        set_seed(pick.seed)
        return self.dataset[pick.index]

    def __getattr__(self, name: str):
        if name == 'dataset' or name.startswith('__'):  # while it is unpickled there is no inner data set yet
            raise AttributeError(name)
        return getattr(self.dataset, name)


@DATA_SAMPLERS.register_module()
class SeededSampler(Sampler):
    """Any sampler, every index with a seed.

    Args:
        dataset (SeededDataset): mmengine passes it.
        sampler (dict): Config of the inner sampler, e.g. ``dict(type='InfiniteSampler')``.
        seed (int, optional): Of both. The loops set it again when a resumed run knows its seed. Defaults to a random
            one, the same on all ranks.
    """

    def __init__(self, dataset, sampler: dict, seed: Optional[int] = None):
        self.seed = sync_random_seed() if seed is None else seed
        self.dataset, self.config = dataset, sampler
        self._epoch = self._skipped = 0

    def _inner(self) -> Sampler:
        sampler = DATA_SAMPLERS.build(self.config, default_args=dict(dataset=self.dataset.dataset, seed=self.seed))
        if hasattr(sampler, 'set_epoch'):
            sampler.set_epoch(self._epoch)
        return sampler

    def __iter__(self) -> Iterator[Pick]:
        rank, first = get_rank(), self._skipped
        for position, index in enumerate(itertools.islice(iter(self._inner()), first, None), first):
            yield Pick(index, seed_of(self.seed, rank, self._epoch, position))

    def __len__(self) -> int:
        return len(self._inner())

    def set_epoch(self, epoch: int) -> None:
        """Number of the epoch to draw next."""
        self._epoch = epoch

    def skip(self, num_samples: int) -> None:
        """Begin ``num_samples`` picks of this rank later, without loading them."""
        if num_samples < 0:
            raise ValueError(f'expected num_samples of at least 0 but got {num_samples}')
        self._skipped = num_samples


def seeded_loader(dataloader):
    """The config of a data loader with both wrapped."""
    if not isinstance(dataloader, dict):
        raise TypeError(f'expected train_dataloader as a config dict, got {type(dataloader).__name__}: a loader that '
                        'is built already cannot be seeded sample by sample; pass its config, or use mmengine\'s loop')
    dataloader = copy.deepcopy(dataloader)
    if 'batch_sampler' in dataloader:
        raise ValueError('expected a sampler in train_dataloader, got a batch_sampler, which cannot be seeded sample '
                         "by sample; use train_cfg=dict(type='IterBasedTrainLoop')")
    dataloader['dataset'] = dict(type='SeededDataset', dataset=dataloader['dataset'], _scope_='mmseg')
    dataloader['sampler'] = dict(type='SeededSampler', sampler=dataloader['sampler'], _scope_='mmseg')
    return dataloader


class _Reproducible:
    """What both loops add."""

    def __init__(self, runner, dataloader, *args, **kwargs):
        super().__init__(runner, seeded_loader(dataloader), *args, **kwargs)

    def run(self):
        # A resumed run without a seed in its config takes that of its checkpoint, after the loader was built.
        sampler: SeededSampler = self.dataloader.sampler
        sampler.seed = self.runner.seed
        return super().run()

    def _seed_step(self) -> None:
        set_seed(seed_of(self.runner.seed, get_rank(), self._iter, 2**31))


@LOOPS.register_module()
class ReproducibleIterBasedTrainLoop(_Reproducible, IterBasedTrainLoop):
    """``IterBasedTrainLoop`` that continues after a kill as if there had been none, see the module.

    mmengine >= 0.10.12 moves the sampler forward when it resumes. Older ones load and drop what was seen; this loop
    then moves the sampler itself.
    """

    def run(self):
        done = self._iter
        if done > 0 and not hasattr(self.dataloader_iterator, 'skip_iter'):
            self.dataloader.sampler.skip(done * self.dataloader.batch_size)
            self.dataloader_iterator = _NothingToAdvance(self.dataloader, done)
        return super().run()

    def run_iter(self, data_batch: Sequence[dict]) -> None:
        self._seed_step()
        super().run_iter(data_batch)


@LOOPS.register_module()
class ReproducibleEpochBasedTrainLoop(_Reproducible, EpochBasedTrainLoop):
    """``EpochBasedTrainLoop`` that continues from the last saved epoch as if it had not stopped, see the module."""

    def run_iter(self, idx, data_batch: Sequence[dict]) -> None:
        self._seed_step()
        super().run_iter(idx, data_batch)


class _NothingToAdvance:
    """Answers mmengine's request to drop ``steps`` batches at once; an endless iterator after that."""

    def __init__(self, dataloader: DataLoader, steps: int):
        self.dataloader, self.steps, self.iterator = dataloader, steps, None

    def __next__(self):
        if self.steps:
            self.steps -= 1
            return None
        if self.iterator is None:
            self.iterator = iter(self.dataloader)
        try:
            return next(self.iterator)
        except StopIteration:
            self.iterator = iter(self.dataloader)
            return next(self.iterator)
