"""A random crop of a resized image, of which only the crop is computed."""
import math
from typing import Optional, Tuple

import cv2
import mmcv
import numpy as np
from mmcv.image.geometric import cv2_interp_codes, pillow_interp_codes
from mmcv.transforms import BaseTransform, Resize
from mmseg.registry import TRANSFORMS
from PIL import Image

REACH = 4  # source pixels that an interpolation reads on either side; times the scale where Pillow makes smaller


def nearest_pixels(length: int, wanted: int, backend: str) -> np.ndarray:
    """For each of ``wanted`` pixels the one of ``length`` that nearest-neighbour resizing takes: ask the back end."""
    digits = (np.arange(length)[None, :, None] >> np.array([0, 8, 16])).astype(np.uint8)  # (1, length, 3)
    taken = mmcv.imresize(digits, (wanted, 1), interpolation='nearest', backend=backend)
    return taken[0].astype(np.intp) @ np.array([1, 256, 65536])


class ResizedLater:
    """An image, or a window of it, as resizing to ``size`` makes it, computed when it is asked for as an array.

    Args:
        source: (H, W) or (H, W, C).
        size: (height, width) after resizing.
        interpolation, backend: As in ``mmcv.imresize``.
    """

    def __init__(self, source: np.ndarray, size: Tuple[int, int], interpolation: str, backend: str) -> None:
        self.source, self.size, self.interpolation, self.backend = source, tuple(size), interpolation, backend
        self.rows, self.columns = range(size[0]), range(size[1])

    @property
    def shape(self) -> tuple:
        return (len(self.rows), len(self.columns), *self.source.shape[2:])

    def __getitem__(self, key) -> 'ResizedLater':
        part = ResizedLater(self.source, self.size, self.interpolation, self.backend)
        part.rows, part.columns = self.rows[key[0]], self.columns[key[1]]
        return part

    def __array__(self, dtype=None, copy: Optional[bool] = None) -> np.ndarray:
        how = self._nearest if self.interpolation == 'nearest' else dict(cv2=self._cv2, pillow=self._pillow)[
            self.backend]
        return how().astype(dtype or self.source.dtype, copy=False)

    def __array_function__(self, function, types, args, kwargs):
        if function is np.unique and args == (self, ) and kwargs == dict(return_counts=True):
            return self._count()
        return function(*(np.asarray(a) if isinstance(a, ResizedLater) else a for a in args), **kwargs)

    def _count(self) -> Tuple[np.ndarray, np.ndarray]:
        """``np.unique`` of labels, by their histogram; it is what ``RandomCrop`` spends its time on."""
        labels = np.asarray(self)
        if labels.dtype != np.uint8 or labels.size >= 2**24:  # calcHist counts in float32
            return np.unique(labels, return_counts=True)
        counts = cv2.calcHist([labels], [0], None, [256], [0, 256]).ravel().astype(np.intp)
        found = np.flatnonzero(counts)
        return found.astype(np.uint8), counts[found]

    def _nearest(self) -> np.ndarray:
        ys, xs = (nearest_pixels(length, wanted, self.backend)[part.start:part.stop] for length, wanted, part in zip(
            self.source.shape, self.size, (self.rows, self.columns)))
        if self.size[0] < self.source.shape[0]:
            return self.source[ys].take(xs, axis=1)
        return self.source[ys[0]:ys[-1] + 1].take(xs, axis=1)[ys - ys[0]]

    def _cv2(self) -> np.ndarray:
        # An output pixel reads around (i + 0.5) / factor - 0.5. What lies behind the window can be left out at the same
        # factor; what lies before it would shift all by a fraction of a pixel.
        (height, width), (wanted_height, wanted_width) = self.source.shape[:2], self.size
        fy, fx = wanted_height / height, wanted_width / width
        bottom = min(height, math.ceil(self.rows.stop / fy) + REACH)
        right = min(width, math.ceil(self.columns.stop / fx) + REACH)
        whole = (bottom, right) == (height, width)
        kept = cv2.resize(self.source[:bottom, :right], (wanted_width, wanted_height) if whole else None, fx=fx, fy=fy,
                          interpolation=cv2_interp_codes[self.interpolation])
        return kept[self.rows.start:self.rows.stop, self.columns.start:self.columns.stop]

    def _pillow(self) -> np.ndarray:
        boxes, parts = [], []
        for length, wanted, part in zip(self.source.shape, self.size, (self.rows, self.columns)):
            # whole numbers first: the last pixel ends at length, not a rounding behind it
            start, stop = part.start * length / wanted, part.stop * length / wanted
            reach = math.ceil(REACH * max(1, length / wanted))
            parts.append(slice(max(0, math.floor(start) - reach), min(length, math.ceil(stop) + reach)))
            boxes.append((start - parts[-1].start, stop - parts[-1].start))
        (top, bottom), (left, right) = boxes
        image = Image.fromarray(np.ascontiguousarray(self.source[parts[0], parts[1]]))
        return np.array(image.resize((len(self.columns), len(self.rows)), pillow_interp_codes[self.interpolation],
                                     box=(left, top, right, bottom)))


class ResizeLater(Resize):
    """mmcv's ``Resize`` of image and ``seg_fields``, whose results are :class:`ResizedLater`."""

    def _resize_img(self, results: dict) -> None:
        image = results['img']
        old = image.shape[1::-1]
        new = mmcv.rescale_size(old, results['scale']) if self.keep_ratio else results['scale']
        results['img'] = ResizedLater(image, new[::-1], self.interpolation, self.backend)
        results.update(img_shape=tuple(new[::-1]), scale_factor=(new[0] / old[0], new[1] / old[1]),
                       keep_ratio=self.keep_ratio)

    def _resize_seg(self, results: dict) -> None:
        for key in results.get('seg_fields', []):
            results[key] = ResizedLater(results[key], results['img_shape'], 'nearest', self.backend)


@TRANSFORMS.register_module()
class FusedResizeCrop(BaseTransform):
    """A random resize and a random crop, as one after the other, but only what the crop keeps is resized.

    Draws the same random numbers. Labels and OpenCV's bilinear images are the same to the bit; OpenCV's bicubic ones
    and Pillow's differ in a pixel here and there by a colour level, seldom two: OpenCV rounds the end of a row
    otherwise, Pillow takes the position of a window in single precision. ::

        dict(type='FusedResizeCrop',
             resize=dict(type='RandomResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
             crop=dict(type='RandomCrop', crop_size=(1024, 1024), cat_max_ratio=0.75))

    Args:
        resize (dict): mmcv's ``RandomResize`` or ``RandomChoiceResize``.
        crop (dict): mmseg's ``RandomCrop``, ``CentroidCrop``, or another that only slices.

    Raises:
        ValueError: If ``resize`` is another transform or has a ``resize_type`` of its own.
    """

    def __init__(self, resize: dict, crop: dict) -> None:
        if resize.get('type') not in ('RandomResize', 'RandomChoiceResize') or 'resize_type' in resize:
            raise ValueError('expected resize of type RandomResize or RandomChoiceResize without a resize_type but got '
                             f'{dict(resize)}: put other transforms one after the other into the pipeline')
        self.resize = TRANSFORMS.build(dict(resize, resize_type=ResizeLater))
        self.crop = TRANSFORMS.build(crop)

    def transform(self, results: dict) -> dict:
        results = self.crop(self.resize(results))
        for key in ['img', *results.get('seg_fields', [])]:
            results[key] = np.asarray(results[key])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(resize={self.resize}, crop={self.crop})'
