"""Class-uniform sampling: half of every epoch shows each class equally often."""
import hashlib
import io
import os
import os.path as osp
import threading
import warnings
from itertools import count, islice
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather_object, get_dist_info, is_main_process, sync_random_seed
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import Sampler

from .files import progress, write_whole

MEETING = 1.  # seconds
Pick = Union[int, Tuple[int, int, int]]  # a sample, or a sample and the point (x, y) its crop has to show


def tile_centroids(label: np.ndarray, num_classes: int, tile: int) -> List[Tuple[int, int, int]]:
    """(class, x, y) of the centre of mass of every class in every ``tile`` x ``tile`` part of a label map.

    The last row and column of tiles reach to the border, and a map smaller than a tile is one tile.
    """
    height, width = label.shape
    found = []
    for i in range(max(height // tile, 1)):
        for j in range(max(width // tile, 1)):
            y, x = i * tile, j * tile
            bottom = height if y + 2 * tile > height else y + tile
            right = width if x + 2 * tile > width else x + tile
            part = label[y:bottom, x:right]
            flat = part.ravel().astype(np.int64)
            ys, xs = np.divmod(np.arange(flat.size), part.shape[1])
            pixels = np.bincount(flat, minlength=num_classes)
            sum_y = np.bincount(flat, ys, minlength=num_classes)
            sum_x = np.bincount(flat, xs, minlength=num_classes)
            found += [(int(c), x + int(sum_x[c] / pixels[c]), y + int(sum_y[c] / pixels[c]))
                      for c in np.flatnonzero(pixels[:num_classes])]
    return found


@DATASETS.register_module()
class ClassUniformDataset:
    """A data set that knows where its classes are, and hands that place to the pipeline.

    It belongs together with :class:`ClassUniformSampler`, which says what to show, and ``CentroidCrop``, which shows
    it::

        train_dataloader = dict(
            sampler=dict(type='ClassUniformSampler'),
            dataset=dict(type='ClassUniformDataset', dataset=dict(type='CityscapesDataset', ...)))

    Every label is read once, by the ``LoadAnnotations`` of the pipeline (so that ``label_map`` and the like hold); each
    rank reads its share, and rank 0 keeps the result in a file.

    Paper: `Semantic Flow for Fast and Accurate Scene Parsing <https://arxiv.org/abs/2002.10120>`_.
    Checked against: lxtGH/SFSegNets, datasets/uniform.py and datasets/cityscapes.py, ba475baf.
    Differs: images that are no multiple of ``tile`` are covered to the border (the reference drops the rest, and
    finds nothing in images smaller than a tile); equal for Cityscapes.

    Args:
        dataset (dict or BaseDataset): Any data set whose pipeline holds ``LoadAnnotations``.
        tile (int): Size of the parts in which centres are taken, pixels. Defaults to 1024.
        cache_dir (str, optional): Where to keep the centres. Defaults to ``class_uniform`` below the data set's
            ``data_root``. A changed file list, label file, class list or tile makes a new file.
        lazy_init (bool): Whether to wait until the centres are asked for. Defaults to False.

    Raises:
        ValueError: If the pipeline holds no ``LoadAnnotations`` or ``tile`` is not positive.
    """

    def __init__(self, dataset: Union[dict, BaseDataset], tile: int = 1024, cache_dir: Optional[str] = None,
                 lazy_init: bool = False) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        if tile < 1:
            raise ValueError(f'expected a tile of at least 1 pixel but got {tile}')
        loaders = [t for t in self.dataset.pipeline.transforms if isinstance(t, LoadAnnotations)]
        if not loaders:
            raise ValueError('ClassUniformDataset reads labels through the LoadAnnotations of its data set\'s pipeline '
                             'but found none there; add one')
        self.load = loaders[0]
        self.tile = tile
        self.cache_dir = cache_dir
        self._centroids: Optional[np.ndarray] = None
        if not lazy_init:
            self.full_init()

    @property
    def metainfo(self) -> dict:
        return self.dataset.metainfo

    def full_init(self) -> None:
        self.dataset.full_init()
        self.centroids

    def __len__(self) -> int:
        return len(self.dataset)

    def get_data_info(self, idx: Pick) -> dict:
        index, *point = idx if isinstance(idx, (tuple, list)) else (idx, )
        info = self.dataset.get_data_info(int(index))
        if point:
            info['centroid'] = (int(point[0]), int(point[1]))
        return info

    def __getitem__(self, idx: Pick):
        for _ in range(self.dataset.max_refetch + 1):
            data = self.dataset.pipeline(self.get_data_info(idx))
            if data is not None:
                return data
            idx = int(np.random.randint(len(self)))
        raise RuntimeError(f'no valid sample after {self.dataset.max_refetch} attempts: the pipeline returns None')

    @property
    def centroids(self) -> np.ndarray:
        """(class, sample, x, y) of every centre, int64 (M, 4)."""
        if self._centroids is None:
            what = 'looking for the classes in the labels'
            path, found = on_all_ranks(self._load if is_main_process() else lambda: (None, None), what)[0]
            if found is None:
                found = np.concatenate(on_all_ranks(self._search, what))
                found = found[np.argsort(found[:, 1], kind='stable')]  # as one rank alone finds them
                if is_main_process():
                    self._save(path, found)
            self._centroids = found
        return self._centroids

    def _load(self) -> Tuple[str, Optional[np.ndarray]]:
        path = self._cache_path()
        return path, np.load(path) if osp.exists(path) else None

    def _cache_path(self) -> str:
        key = hashlib.sha1(repr((self.tile, self.metainfo['classes'])).encode())
        for index in range(len(self)):
            info = self.dataset.get_data_info(index)
            path = info['seg_map_path']
            stat = os.stat(path) if osp.exists(path) else None  # remote files are told apart by name only
            key.update(repr((path, stat and (stat.st_size, stat.st_mtime_ns), info.get('label_map'),
                             info.get('reduce_zero_label'))).encode())
        folder = self.cache_dir or osp.join(getattr(self.dataset, 'data_root', None) or 'data', 'class_uniform')
        return osp.join(folder, f'tile{self.tile}_{key.hexdigest()[:16]}.npy')

    def _search(self) -> np.ndarray:
        """The centres in this rank's share of the samples."""
        rows, classes = [], len(self.metainfo['classes'])
        rank, world_size = get_dist_info()
        share = range(rank, len(self), world_size)
        for index in progress(share, 'looking for the classes in the labels', quiet=rank > 0):
            label = self.load(self.dataset.get_data_info(index))['gt_seg_map']
            rows += [(c, index, x, y) for c, x, y in tile_centroids(label, classes, self.tile)]
        return np.array(rows, np.int64).reshape(-1, 4)

    @staticmethod
    def _save(path: str, centroids: np.ndarray) -> None:
        data = io.BytesIO()
        np.save(data, centroids)
        try:
            os.makedirs(osp.dirname(path), exist_ok=True)
            write_whole(path, data.getvalue())
        except OSError as error:
            warnings.warn(f'cannot keep the class centres in {path} ({error}); they are searched again next time. Pass '
                          'cache_dir to choose a writable folder')


def on_all_ranks(job: Callable[[], Any], what: str) -> List[Any]:
    """What ``job`` returns on each rank, on all ranks, however long it takes.

    It runs in a thread, and the ranks meet every ``MEETING`` seconds until all are done: no collective is held open
    longer than that, whatever time limit it has, and an error on one rank ends all of them with the same message.

    Raises:
        RuntimeError: On every rank, if ``job`` fails on any. With a single rank, what ``job`` raises.
    """
    if get_dist_info()[1] == 1:
        return [job()]
    result, error = [], []

    def run():
        try:
            result.append(job())
        except BaseException as failed:  # it has to reach the other ranks, whatever it is
            error.append(failed)

    thread = threading.Thread(target=run, daemon=True)  # an error elsewhere does not wait for it
    thread.start()
    while True:
        thread.join(MEETING)
        states = all_gather_object((bool(result), [f'{type(e).__name__}: {e}' for e in error]))
        for rank, (_, failed) in enumerate(states):
            if failed:
                raise RuntimeError(f'{what} failed on rank {rank}: {failed[0]}') from (error[0] if error else None)
        if all(done for done, _ in states):
            return all_gather_object(result[0])


def _cycle(rng: np.random.Generator, items: Sequence, number: int) -> np.ndarray:
    """``number`` items in random order, none twice before all came once."""
    return np.asarray(items)[rng.permutation(len(items))[np.arange(number) % len(items)]]


@DATA_SAMPLERS.register_module()
class ClassUniformSampler(Sampler):
    r"""Draw an epoch in which every class is the subject equally often, besides images as they come.

    Of N picks, :math:`\lfloor N p / C \rfloor` a class are centres of that class, the others are whole images
    without repetition; then all are shuffled. All ranks draw the same epoch from ``seed`` and its number and take
    every ``world_size``-th pick.

    Paper: `Semantic Flow for Fast and Accurate Scene Parsing <https://arxiv.org/abs/2002.10120>`_.
    Checked against: lxtGH/SFSegNets, datasets/uniform.py ``build_epoch``, ba475baf.
    Differs: the share of a class that occurs nowhere goes to whole images (the reference makes the epoch shorter).

    Args:
        dataset (ClassUniformDataset): What to draw from; mmengine passes it.
        pct (float): Share p of class-uniform picks, 0..1. Defaults to 0.5.
        infinite (bool): Whether to go on with the next epoch for ever, as ``IterBasedTrainLoop`` needs. Defaults to
            True; use False with ``EpochBasedTrainLoop``.
        seed (int, optional): Same on all ranks. Defaults to a random one.

    Raises:
        TypeError: If the data set is not a :class:`ClassUniformDataset`.
        ValueError: If ``pct`` is not in 0..1.
    """

    def __init__(self, dataset: ClassUniformDataset, pct: float = .5, infinite: bool = True,
                 seed: Optional[int] = None) -> None:
        if not isinstance(dataset, ClassUniformDataset):
            raise TypeError('ClassUniformSampler needs a ClassUniformDataset but got '
                            f'{type(dataset).__name__}; wrap it: '
                            "dataset=dict(type='ClassUniformDataset', dataset=dict(...))")
        if not 0 <= pct <= 1:
            raise ValueError(f'expected pct between 0 and 1 but got {pct}')
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.pct, self.infinite = dataset, pct, infinite
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self._skipped = 0

    def epoch_picks(self, epoch: int) -> List[Pick]:
        """The picks of one epoch, of all ranks."""
        rng = np.random.default_rng([self.seed, epoch])
        centroids, total = self.dataset.centroids, len(self.dataset)
        classes = len(self.dataset.metainfo['classes'])
        each = int(total * self.pct / classes)
        picks: List[Pick] = []
        for c in range(classes):
            rows = centroids[centroids[:, 0] == c]
            if each and len(rows):
                picks += [tuple(row[1:].tolist()) for row in _cycle(rng, rows, each)]
        picks += _cycle(rng, range(total), total - len(picks)).tolist()
        return [picks[i] for i in rng.permutation(total)]

    def __iter__(self) -> Iterator[Pick]:
        if self.infinite:
            stream = (pick for epoch in count() for pick in self.epoch_picks(epoch))
            return islice(stream, self.rank + self._skipped * self.world_size, None, self.world_size)
        picks = self.epoch_picks(self.epoch)
        padded = (picks * 2)[:len(self) * self.world_size] if len(picks) >= self.world_size else picks * self.world_size
        return iter(padded[self.rank::self.world_size][self._skipped:])

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Number of the epoch to draw next, if not infinite (mmengine's loop calls it)."""
        self.epoch = epoch

    def skip(self, num_samples: int) -> None:
        """Start ``num_samples`` picks of this rank later (mmengine calls it when training resumes)."""
        if num_samples < 0:
            raise ValueError(f'expected num_samples of at least 0 but got {num_samples}')
        self._skipped = num_samples
