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
    drawing = np.full((*truth.shape, 3), RIGHT, np.uint8)
    drawing[wrong], drawing[~labelled] = RED, GREY
    return drawing, share(wrong, labelled)


def draw_boundary_errors(image: np.ndarray, truth: np.ndarray, prediction: np.ndarray, ignore_index: int,
                         width: int) -> Tuple[np.ndarray, float]:
    """The band within ``width`` pixels of a boundary of the truth: wrong red, right blue; and the share of wrong."""
    band = distance_to_edge(class_edges(truth, ignore_index)) < width
    band &= truth != ignore_index
    wrong = band & (truth != prediction)
    drawing = faded(image)
    drawing[band], drawing[wrong] = BLUE, RED
    return drawing, share(wrong, band)


def draw_changes(image: np.ndarray, before: np.ndarray, after: np.ndarray, truth: Optional[np.ndarray],
                 ignore_index: int) -> Tuple[np.ndarray, str]:
    """Pixels whose label a refiner changed: mended green, broken red, else amber; and what they amount to."""
    changed, drawing = before != after, faded(image)
    drawing[changed] = AMBER
    if truth is None:
        return drawing, f'refined {100 * changed.mean():.1f} %'
    labelled = truth != ignore_index
    mended, broken = changed & (after == truth) & labelled, changed & (before == truth) & labelled
    drawing[mended], drawing[broken], drawing[changed & ~labelled] = GREEN, RED, GREY
    parts = (share(m, labelled) for m in (changed & labelled, mended, broken))
    return drawing, 'refined {:.1f} %: {:.1f} mended (green), {:.1f} broken (red)'.format(*parts)


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
