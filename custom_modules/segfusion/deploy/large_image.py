"""Labels of an image whose logits do not fit into memory."""
from typing import Callable, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import Compose
from torch import Tensor, nn

from ..datasets.files import progress
from .folder import label_dtype
from .post_process import dense_crf
from .windows import GRID, HALO, Box, windows


def label_in_windows(model: nn.Module, image: np.ndarray, pixels: int, *, halo: int = HALO, crf: Optional[dict] = None,
                     report: Callable = progress) -> np.ndarray:
    r"""Segment an image of any size, looking at no more than ``pixels`` of it at once; of logits it keeps one window's.

    Every window sees up to ``halo`` pixels around its centre, and the centre's labels are kept. What a network takes
    from further away (pooling over the whole image) differs from what it would take from the whole. If the config's
    test pipeline makes the image smaller than ``pixels``, the network sees it whole, and only what follows is done in
    windows. Padding, sliding inference and a refiner are the model's own, window by window.

    Args:
        model: As in :func:`~.predict.predict_image`.
        image: RGB image (H, W, 3), uint8.
        pixels: Largest window, with halo.
        halo: Pixels around a centre, a multiple of 64. Defaults to 256.
        crf: As in :func:`~.predict.predict_image`.
        report: Wraps the list of windows, to show progress.

    Returns:
        np.ndarray: Class numbers (H, W), uint8, or uint16 for more than 256 classes.
    """
    inputs, sample = _prepare(model, image)
    size, inner = image.shape[:2], tuple(inputs.shape[1:])
    whole = _logits(model, inputs, sample) if inner[0] * inner[1] <= pixels else None
    enlarged = max(inner[0] * inner[1] / (size[0] * size[1]), 1.)
    labels = np.empty(size, label_dtype(model.out_channels))
    boxes = windows(*size, pixels if whole is not None else int(pixels / enlarged), halo)
    for outer, centre in report(boxes, f'predicting {size[0]}x{size[1]} in windows'):
        source = Box(0, inner[0], 0, inner[1]) if whole is not None else _source(outer, size, inner)
        logits = whole if whole is not None else _logits(model, inputs[:, source.rows, source.columns], sample)
        logits = _resample(logits, source, inner, outer, size, bool(model.align_corners))
        if crf is not None:
            rgb = torch.from_numpy(np.ascontiguousarray(image[outer.rows, outer.columns])).permute(2, 0, 1)
            logits = dense_crf(rgb.float(), logits.float().cpu(), logits=True, pixels=pixels, **crf)
        kept = centre.inside(outer)
        logits = logits[:, kept.rows, kept.columns]
        found = logits.argmax(0) if len(logits) > 1 else logits[0].sigmoid() > model.decode_head.threshold
        labels[centre.rows, centre.columns] = found.cpu().numpy()
    return labels


def _prepare(model: nn.Module, image: np.ndarray) -> Tuple[Tensor, object]:
    """The image (3, h, w) as the test pipeline of the config hands it to the data preprocessor, and its sample."""
    steps = [dict(step) for step in model.cfg.test_pipeline]
    steps[0]['type'] = 'LoadImageFromNDArray'
    data = Compose(steps)(dict(img=np.ascontiguousarray(image[..., ::-1])))  # mmseg's pipelines take BGR
    inputs, fixed = data['inputs'], getattr(model, 'size', None)
    if fixed:  # an ONNX file of one size sees the whole image resized to it
        inputs = F.interpolate(inputs[None].float(), size=fixed, mode='bilinear', align_corners=False)[0]
    return inputs, data['data_samples']


@torch.no_grad()
def _logits(model: nn.Module, inputs: Tensor, sample) -> Tensor:
    """Logits (C, h, w) of prepared pixels (3, h, w), at their size."""
    shape = tuple(inputs.shape[1:])
    sample = sample.clone()
    sample.set_metainfo(dict(img_shape=shape, ori_shape=shape, pad_shape=shape))
    data = model.data_preprocessor(dict(inputs=[inputs], data_samples=[sample]), False)
    metas = [one.metainfo for one in data['data_samples']]
    logits = model.inference(data['inputs'], metas)[0]
    left, right, top, bottom = metas[0].get('img_padding_size', metas[0].get('padding_size', (0, 0, 0, 0)))
    return logits[:, top:logits.shape[1] - bottom, left:logits.shape[2] - right]


def _source(outer: Box, size: Tuple[int, int], inner: Tuple[int, int]) -> Box:
    """Pixels of the network's input that a box of the image is interpolated from."""
    if tuple(size) == inner:
        return outer
    ends = []
    for start, stop, n, m in ((outer.top, outer.bottom, size[0], inner[0]), (outer.left, outer.right, size[1],
                                                                             inner[1])):
        ends += [max(int(start * m / n) - 2, 0) // GRID * GRID, min(int(stop * m / n) + 3, m)]
    return Box(*ends)


def _resample(logits: Tensor, source: Box, inner: Tuple[int, int], outer: Box, size: Tuple[int, int],
              align_corners: bool) -> Tensor:
    """What ``F.interpolate`` from ``inner`` to ``size`` gives inside ``outer``, of logits known inside ``source``."""
    if tuple(size) == inner:
        return logits
    for axis, (start, stop, n, m, offset) in enumerate(((outer.top, outer.bottom, size[0], inner[0], source.top),
                                                        (outer.left, outer.right, size[1], inner[1], source.left)), 1):
        position = torch.arange(start, stop, dtype=torch.float64)
        if align_corners:
            position = position * ((m - 1) / max(n - 1, 1))
        else:
            position = ((position + 0.5) * (m / n) - 0.5).clamp(min=0)
        low = position.long().clamp(max=m - 1)
        share = (position - low).to(logits).view([-1 if i == axis else 1 for i in range(3)])
        low, high = (i.to(logits.device) - offset for i in (low, (low + 1).clamp(max=m - 1)))
        logits = torch.lerp(logits.index_select(axis, low), logits.index_select(axis, high), share)
    return logits
