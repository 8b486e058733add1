"""Run a segmentor once and keep everything that can be drawn."""
from contextlib import contextmanager
from typing import Dict, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import ConfigDict
from torch import Tensor, nn

from ..models.expose import watch
from .canvas import fitted
from .maps import entropy


def check_indices(indices: Sequence[int], count: int) -> None:
    """ValueError for indices that a data set of ``count`` samples does not have."""
    wrong = [i for i in indices if not 0 <= i < count]
    if wrong:
        raise ValueError(f'there is no sample {wrong[0]}: the data set has {count}, numbered 0 to {count - 1}; choose '
                         'an index among them')


def inspect(model: nn.Module, sample: dict) -> Tuple[Dict[str, np.ndarray], Dict[str, Tensor]]:
    """Run a segmentor on one dataset sample and collect what can be drawn.

    Args:
        model: Segmentor in evaluation mode.
        sample: One item of a dataset (``inputs`` and ``data_samples``), with or without annotations.

    Returns:
        Arrays ``image`` (H, W, 3) RGB, ``prediction``, ``entropy``, with annotations ``truth``, with a refiner
        ``before``, what the network said without it, all (H, W); and the maps that parts expose. In slide inference
        these and ``before`` come from one more pass over the whole image.
    """
    batch = dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])
    unrefined = []
    refiner = getattr(model, 'refiner', None)
    note = refiner.register_forward_hook(lambda _, inputs, __: unrefined.append(inputs[0])) if refiner else None
    try:
        with torch.no_grad(), watch(model) as seen:
            result = model.test_step(batch)[0]
        if model.test_cfg.get('mode') == 'slide':
            with torch.no_grad(), whole(model), watch(model) as seen:
                model.test_step(batch)
    finally:
        if note:
            note.remove()
    prediction = result.pred_sem_seg.data.squeeze(0).cpu().numpy()
    arrays = dict(prediction=prediction, entropy=entropy(result.seg_logits.data))
    if 'gt_sem_seg' in result:
        arrays['truth'] = result.gt_sem_seg.data.squeeze(0).cpu().numpy()
    image = sample['inputs'].permute(1, 2, 0).numpy()[..., ::-1].astype(np.uint8)  # pipelines load BGR
    arrays['image'] = fitted(image, prediction.shape, smooth=True)
    if unrefined:
        labels = unrefined[-1][0]
        labels = labels.argmax(0) if len(labels) > 1 else labels[0] > 0
        arrays['before'] = fitted(labels.byte().cpu().numpy(), prediction.shape)
    return arrays, dict(seen)


@contextmanager
def whole(model: nn.Module):
    """Whole inference instead of slide."""
    config, model.test_cfg = model.test_cfg, ConfigDict(mode='whole')
    try:
        yield
    finally:
        model.test_cfg = config
