"""Where a trained network moves its features: displacement against the distance to the nearest boundary."""
from typing import Callable, Dict, Iterator, Sequence, Tuple

import numpy as np
import torch
from mmengine.evaluator import Evaluator
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ..datasets.files import progress
from ..evaluation.boundaries import class_edges, distance_to_edge
from ..visualization import inspect

EDGES = (0, 1, 2, 3, 5, 8, 12, 20, 40)  # a bin reaches from one to the next, the last one to infinity


class Profile:
    r"""Mean displacement of the pixels at every distance from a boundary.

    For a field :math:`\Delta` on a fine grid, :math:`d(p)` the Euclidean distance of position p to the nearest pixel
    that has a 4-neighbour of another class, and :math:`n = \nabla d / |\nabla d|`, the normal that points away from the
    boundary, on either side of it:

    .. math::
        length_b = mean_{d(p) \in b} |\Delta(p)|, \quad away_b = mean_{d(p) \in b} \Delta(p) \cdot n(p), \quad
        cosine_b = mean_{d(p) \in b} |\Delta(p) \cdot n(p)| / |\Delta(p)|

    A network that reads the coarse level from inside the objects has :math:`away > 0` near boundaries; a field without
    regard to their direction has :math:`away = 0` and :math:`cosine = 2 / \pi = 0.64`. Where two boundaries are equally
    near, d has a ridge and p no normal; void pixels count nowhere.

    Args:
        edges (Sequence[float]): Lower ends of the bins, ascending, in pixels of the label map.

    Raises:
        ValueError: If the edges do not ascend.
    """

    def __init__(self, edges: Sequence[float] = EDGES):
        if list(edges) != sorted(set(edges)) or not len(edges):
            raise ValueError(f'expected ascending distances in pixels, got {tuple(edges)}')
        self.edges = np.asarray(edges, np.float64)
        self.scale = np.nan  # pixels of the label map that one of the fine grid spans
        self.sums = np.zeros((5, len(edges)))  # pixels, length, pixels with a normal, away, cosine

    def add(self, offset: Tensor, labels: np.ndarray, *, align_corners: bool, ignore_index: int = 255) -> None:
        """Count one image.

        Args:
            offset: (2, H, W) as (dx, dy), in pixels of the fine grid.
            labels: (h, w) true classes, of the image that the fine grid spans.
            align_corners: How the two grids lie on each other.
            ignore_index: Void.
        """
        distance = distance_to_edge(class_edges(labels, ignore_index))
        if np.isinf(distance[0, 0]):
            return  # one class, no boundary
        slope = np.gradient(distance.astype(np.float64))
        maps = np.stack([distance, labels != ignore_index, slope[1], slope[0]])
        size = offset.shape[1:]
        at = interpolate(torch.from_numpy(maps)[None], size, mode='bilinear', align_corners=align_corners)[0].numpy()
        distance, labelled, slope = at[0], at[1] == 1, at[2:]
        steps = [(n - 1) / (m - 1) if align_corners and m > 1 else n / m for n, m in zip(labels.shape, size)]
        self.scale = float(np.mean(steps))
        moved = offset.double().cpu().numpy() * np.reshape(steps[::-1], (2, 1, 1))  # (dx, dy) in pixels of the labels
        length, steepness = np.hypot(*moved), np.hypot(*slope)
        normal = labelled & (steepness > 0.25)  # beside a boundary it is 0.5
        away = (moved * slope).sum(0) / np.where(normal, steepness, 1)
        cosine = np.abs(away) / np.maximum(length, 1e-12)
        inside = np.searchsorted(self.edges, distance, side='right') - 1
        for row, (weight, where) in enumerate(((None, labelled), (length, labelled), (None, normal), (away, normal),
                                               (cosine, normal))):
            where = where & (inside >= 0)
            self.sums[row] += np.bincount(inside[where], None if weight is None else weight[where], len(self.edges))

    def result(self) -> Dict[str, object]:
        """Means by bin, in pixels of the label map; None for a bin without pixels."""
        count, length, normals, away, cosine = self.sums

        def mean(total, number):
            return [float(t / n) if n else None for t, n in zip(total, number)]

        return dict(scale=self.scale, pixels=[int(n) for n in count], length=mean(length, count),
                    away=mean(away, normals), cosine=mean(cosine, normals))


def fields(maps: Dict[str, Tensor]) -> Iterator[Tuple[str, Tensor]]:
    """Every displacement field among what the parts of a network exposed (see :func:`~..visualization.inspect`)."""
    for name, value in maps.items():
        if name.split('.')[-1] == 'offset':
            part = name.rsplit('.', 1)[0].replace('decode_head.', '')
            both = value[0].split(2)
            for side, field in zip(('coarse', 'fine') if len(both) == 2 else map(str, range(len(both))), both):
                yield f'{part} {side}' if len(both) > 1 else part, field


def measure(model: nn.Module, dataset, metrics: Sequence[dict] = (), edges: Sequence[float] = EDGES,
            report: Callable = progress) -> Dict[str, dict]:
    """Profiles of all fields of a segmentor over a data set with labels, and its scores in the same pass.

    Args:
        model: Of :func:`segfusion.deploy.load_segmentor`. The head's ``align_corners`` says how its grids lie.
        dataset: Whose pipeline gives labels of the size the network predicts at.
        metrics: Configs of evaluators.
        edges: Of :class:`Profile`.
        report: Wraps the indices, to show progress.

    Returns:
        ``profiles``: name of the field to :meth:`Profile.result`; ``scores``: what the evaluators wrote.
    """
    evaluator, profiles = Evaluator(list(metrics)), {}
    evaluator.dataset_meta = dataset.metainfo
    ignore, corners = getattr(dataset, 'ignore_index', 255), model.decode_head.align_corners
    for index in report(range(len(dataset)), f'looking where it moves, {len(dataset)} images'):
        arrays, maps = inspect(model, dataset[index])
        truth, prediction = (torch.from_numpy(arrays[name].astype(np.int64)) for name in ('truth', 'prediction'))
        evaluator.process([dict(gt_sem_seg=dict(data=truth[None]), pred_sem_seg=dict(data=prediction[None]))])
        for name, field in fields(maps):
            profile = profiles.setdefault(name, Profile(edges))
            profile.add(field, arrays['truth'], align_corners=corners, ignore_index=ignore)
    scores = evaluator.evaluate(len(dataset)) if metrics else {}
    return dict(profiles={name: p.result() for name, p in profiles.items()},
                scores={name: float(value) for name, value in scores.items()})
