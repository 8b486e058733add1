"""Fractal noise, made once and cut out where a surface needs texture."""
from functools import lru_cache

import cv2
import numpy as np

WHITE, ROUGH, SMOOTH = 0., .55, 1.6  # slopes in use; a tile takes some 20 ms to make
SIZE = 512  # pixels, a power of two so that wrapping is a bit mask


@lru_cache(maxsize=None)
def tile(slope: float) -> np.ndarray:
    """A periodic SIZE x SIZE field of zero mean and unit standard deviation with spectrum ``1 / f ** slope``."""
    rng = np.random.default_rng(2026)
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None])
    frequency[0, 0] = np.inf  # removes the mean
    field = np.fft.irfft2(spectrum / frequency**slope, s=(SIZE, SIZE))
    field = (field / field.std()).astype(np.float32)
    field.setflags(write=False)  # shared by every scene of the process
    return field


def patch(rng: np.random.Generator, height: int, width: int, grain: float, slope: float) -> np.ndarray:
    """A random ``height`` x ``width`` cut-out, magnified ``grain`` times (pixels per cell of the tile)."""
    rows, cols = int(np.ceil(height / grain)) + 1, int(np.ceil(width / grain)) + 1
    y, x = rng.integers(0, SIZE, 2)
    cut = tile(slope).take(np.arange(y, y + rows), axis=0, mode='wrap').take(np.arange(x, x + cols), 1, mode='wrap')
    if grain == 1:
        return cut[:height, :width]
    return cv2.resize(cut, (width, height), interpolation=cv2.INTER_LINEAR)
