"""A random crop that keeps a chosen point inside."""
import cv2
import numpy as np
from mmcv.transforms.utils import cache_randomness
from mmseg.datasets.transforms import RandomCrop
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CentroidCrop(RandomCrop):
    """Random crop of a fixed size; if the sample has a ``centroid``, the crop contains it.

    The left edge is uniform in ``(x - width, x]`` and then moved into the image, likewise the top edge. An image
    smaller than the crop is padded on both sides first. Samples without a ``centroid`` are cropped as by mmseg's
    ``RandomCrop``.

    Paper: `Semantic Flow for Fast and Accurate Scene Parsing <https://arxiv.org/abs/2002.10120>`_.
    Checked against: lxtGH/SFSegNets, transforms/joint_transforms.py, ba475baf.
    Differs: the reference also draws ``x - width``, a crop that ends one pixel before the point.

    Convention: ``results['centroid']`` is (x, y) in pixels of the image as it was loaded; it follows resizing
    (through ``ori_shape``) and flipping.

    Args:
        crop_size (int or tuple): (height, width) in pixels.
        cat_max_ratio (float): Largest share of one class in a crop without ``centroid``. Defaults to 1, no limit.
        ignore_index (int): Label of what is padded. Defaults to 255.
        pad (bool): Whether to pad smaller images. Defaults to True; if False they stay as they are and the data
            preprocessor pads them.
    """

    def __init__(self, crop_size, cat_max_ratio: float = 1., ignore_index: int = 255, pad: bool = True) -> None:
        super().__init__(crop_size, cat_max_ratio, ignore_index)
        self.pad = pad

    def transform(self, results: dict) -> dict:
        centroid = self._centroid(results)
        if self.pad:
            offset = self._pad(results)
            centroid = centroid and (centroid[0] + offset[0], centroid[1] + offset[1])
        box = self.crop_bbox(results) if centroid is None else self.box_around(results['img'].shape, centroid)
        for key in ['img', *results.get('seg_fields', [])]:
            results[key] = self.crop(results[key], box)
        results['img_shape'] = results['img'].shape[:2]
        return results

    @staticmethod
    def _centroid(results: dict):
        if results.get('centroid') is None:
            return None
        (x, y), (h, w), (old_h, old_w) = results['centroid'], results['img'].shape[:2], results['ori_shape'][:2]
        x, y = int(x * w / old_w), int(y * h / old_h)
        return (w - 1 - x if results.get('flip') else x), y

    def _pad(self, results: dict):
        h, w = results['img'].shape[:2]
        down, right = ((want - have) // 2 + 1 if want > have else 0 for want, have in zip(self.crop_size, (h, w)))
        if down or right:
            border = (down, down, right, right, cv2.BORDER_CONSTANT)
            results['img'] = cv2.copyMakeBorder(np.asarray(results['img']), *border, value=(0, 0, 0))
            for key in results.get('seg_fields', []):
                results[key] = cv2.copyMakeBorder(np.asarray(results[key]), *border, value=self.ignore_index)
        return right, down

    @cache_randomness
    def box_around(self, shape, centroid):
        """(y1, y2, x1, x2) of a crop that contains ``centroid`` and lies in the image."""
        edges = []
        for point, crop, full in zip(centroid[::-1], self.crop_size, shape):
            start = int(np.clip(np.random.randint(point - crop + 1, point + 1), 0, max(full - crop, 0)))
            edges += [start, start + crop]
        return tuple(edges)

    def __repr__(self) -> str:
        return super().__repr__()[:-1] + f', pad={self.pad})'
