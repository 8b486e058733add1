"""Colour jitter and blur as the authors of SFNet apply them, and mmseg's distortion of colours by tables."""
from typing import Tuple

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.datasets.transforms import PhotoMetricDistortion
from mmseg.registry import TRANSFORMS
from PIL import Image, ImageEnhance


def upright(image: np.ndarray) -> np.ndarray:
    """The same image without negative strides, which ``RandomFlip`` leaves and NumPy copies slowly."""
    mirrored = tuple(axis for axis in (0, 1) if image.strides[axis] < 0)
    if not mirrored:
        return image
    return cv2.flip(np.flip(image, mirrored), {(0, ): 0, (1, ): 1, (0, 1): -1}[mirrored])


@TRANSFORMS.register_module()
class PhotoMetricDistortionLUT(PhotoMetricDistortion):
    """mmseg's ``PhotoMetricDistortion`` by lookup tables: the same random numbers, the same result to the bit.

    The result lies in memory as ``PackSegInputs`` wants it, (3, H, W). Images must be uint8.

    Args:
        brightness_delta, contrast_range, saturation_range, hue_delta: As of ``PhotoMetricDistortion``.

    Raises:
        TypeError: If the image has another type.
    """

    def transform(self, results: dict) -> dict:
        image = results['img']
        if image.dtype != np.uint8:
            raise TypeError(f'expected an image of uint8 but got {image.dtype}: load without to_float32, or use '
                            'PhotoMetricDistortion')
        results = super().transform(dict(results, img=upright(image)))
        results['img'] = np.stack(cv2.split(results['img'])).transpose(1, 2, 0)
        return results

    def convert(self, img: np.ndarray, alpha: float = 1, beta: float = 0) -> np.ndarray:
        return cv2.LUT(img, super().convert(np.arange(256, dtype=np.uint8), alpha, beta))

    def hue(self, img: np.ndarray) -> np.ndarray:
        if not np.random.randint(2):
            return img
        hsv = mmcv.bgr2hsv(img)
        turned = (np.arange(256) + np.random.randint(-self.hue_delta, self.hue_delta)) % 180
        hsv[:, :, 0] = cv2.LUT(hsv[:, :, 0], turned.astype(np.uint8))
        return mmcv.hsv2bgr(hsv)


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Brightness, contrast, saturation and hue in random order, each by a random amount.

    Factors are uniform in [max(0, 1 - a), 1 + a], the hue turns by [-hue, hue] of the colour circle. Blends towards
    black, the mean grey, and the grey image are Pillow's.

    Checked against: lxtGH/SFSegNets, transforms/transforms.py, ba475baf.
    Differs: nothing known.

    Args:
        brightness, contrast, saturation, hue (float): Largest change; ``hue`` at most 0.5. SFNet uses 0.25 for all.

    Raises:
        ValueError: If an amount is negative or ``hue`` is above 0.5.
    """

    def __init__(self, brightness: float = 0., contrast: float = 0., saturation: float = 0., hue: float = 0.) -> None:
        if min(brightness, contrast, saturation, hue) < 0 or hue > .5:
            raise ValueError('expected amounts of at least 0 and hue of at most 0.5 but got '
                             f'brightness={brightness}, contrast={contrast}, saturation={saturation}, hue={hue}')
        self.amounts = dict(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)

    @cache_randomness
    def draw(self) -> list:
        """(name, factor) in the order of application."""
        steps = []
        for name, amount in self.amounts.items():
            if amount > 0:
                low = -amount if name == 'hue' else max(0., 1 - amount)
                steps.append((name, float(np.random.uniform(low, amount if name == 'hue' else 1 + amount))))
        return [steps[i] for i in np.random.permutation(len(steps))]

    def transform(self, results: dict) -> dict:
        image = Image.fromarray(mmcv.bgr2rgb(upright(results['img'])))  # mmcv loads BGR
        for name, factor in self.draw():
            image = self.apply(image, name, factor)
        results['img'] = mmcv.rgb2bgr(np.asarray(image))
        return results

    @staticmethod
    def apply(image: Image.Image, name: str, factor: float) -> Image.Image:
        """One step on an RGB image."""
        if name == 'hue':
            hue, *rest = image.convert('HSV').split()
            turned = hue.point([(level + int(factor * 255)) % 256 for level in range(256)])
            return Image.merge('HSV', (turned, *rest)).convert('RGB')
        enhancer = dict(brightness=ImageEnhance.Brightness, contrast=ImageEnhance.Contrast,
                        saturation=ImageEnhance.Color)[name]
        return enhancer(image).enhance(factor)

    def __repr__(self) -> str:
        return f'{type(self).__name__}({", ".join(f"{k}={v}" for k, v in self.amounts.items())})'


@TRANSFORMS.register_module()
class RandomGaussianBlur(BaseTransform):
    """Blur every image by a random amount.

    Checked against: lxtGH/SFSegNets, transforms/transforms.py, ba475baf.
    Differs: the result is rounded, the reference truncates it (half a level of 255 darker on average).

    Args:
        sigma (tuple): Range of the standard deviation, pixels. Defaults to (0.15, 1.3), the reference's.
        prob (float): Share of images that are blurred. Defaults to 1.
    """

    def __init__(self, sigma: Tuple[float, float] = (.15, 1.3), prob: float = 1.) -> None:
        if not 0 < sigma[0] <= sigma[1]:
            raise ValueError(f'expected 0 < sigma[0] <= sigma[1] but got {sigma}')
        self.sigma = tuple(sigma)
        self.prob = prob

    @cache_randomness
    def draw(self) -> float:
        """Standard deviation in pixels, 0 for none."""
        sigma = np.random.uniform(*self.sigma)
        return float(sigma) if np.random.rand() < self.prob else 0.

    def transform(self, results: dict) -> dict:
        sigma = self.draw()
        if sigma:
            size = 2 * int(4 * sigma + .5) + 1
            results['img'] = cv2.GaussianBlur(results['img'], (size, size), sigma, borderType=cv2.BORDER_REPLICATE)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(sigma={self.sigma}, prob={self.prob})'
