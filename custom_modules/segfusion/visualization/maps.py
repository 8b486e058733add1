"""Where the network is wrong, unsure, or was overruled."""
from typing import Optional, Tuple

import numpy as np
from torch import Tensor

from ..evaluation.boundaries import class_edges, distance_to_edge
from .canvas import GREY, faded

RED, GREEN, AMBER, BLUE = (214, 39, 40), (44, 160, 44), (255, 165, 0), (31, 119, 180)
RIGHT = (226, 240, 226)


def draw_errors(truth: np.ndarray, prediction: np.ndarray, ignore_index: int) -> Tuple[np.ndarray, float]:
    """Wrong pixels red, right ones pale green, void grey; and the share of wrong ones among the labelled."""
    labelled = truth != ignore_index
    wrong = labelled & (truth != prediction)
    picture = np.full((*truth.shape, 3), RIGHT, np.uint8)
    picture[wrong], picture[~labelled] = RED, GREY
    return picture, share(wrong, labelled)


def draw_boundary_errors(image: np.ndarray, truth: np.ndarray, prediction: np.ndarray, ignore_index: int,
                         width: int) -> Tuple[np.ndarray, float]:
    """The band within ``width`` pixels of a boundary of the truth: wrong red, right blue; and the share of wrong."""
    band = distance_to_edge(class_edges(truth, ignore_index)) < width
    band &= truth != ignore_index
    wrong = band & (truth != prediction)
    picture = faded(image)
    picture[band], picture[wrong] = BLUE, RED
    return picture, share(wrong, band)


def draw_changes(image: np.ndarray, before: np.ndarray, after: np.ndarray, truth: Optional[np.ndarray],
                 ignore_index: int) -> Tuple[np.ndarray, str]:
    """Pixels whose label a refiner changed: mended green, broken red, else amber; and what they amount to."""
    changed, picture = before != after, faded(image)
    picture[changed] = AMBER
    if truth is None:
        return picture, f'refined {100 * changed.mean():.1f} %'
    labelled = truth != ignore_index
    mended, broken = changed & (after == truth) & labelled, changed & (before == truth) & labelled
    picture[mended], picture[broken], picture[changed & ~labelled] = GREEN, RED, GREY
    parts = (share(m, labelled) for m in (changed & labelled, mended, broken))
    return picture, 'refined {:.1f} %: {:.1f} mended (green), {:.1f} broken (red)'.format(*parts)


def share(part: np.ndarray, whole: np.ndarray) -> float:
    """Per cent of the true pixels of ``whole`` that are true in ``part``; 0 if there are none."""
    return 100 * part.sum() / max(whole.sum(), 1)


def entropy(logits: Tensor) -> np.ndarray:
    """How undecided each pixel is: entropy of its classes, 0 for certain, 1 for uniform. (C, H, W) -> (H, W)"""
    logits = logits.float()
    if len(logits) == 1:  # binary, one logit
        logits = logits * logits.new_tensor([0., 1.]).view(2, 1, 1)
    log = logits.log_softmax(0)
    return (-(log.exp() * log).sum(0) / np.log(len(logits))).cpu().numpy()
