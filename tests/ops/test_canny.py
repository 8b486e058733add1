"""Canny in tensor operations against OpenCV."""
import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from segfusion.ops import canny
from segfusion.ops.canny import connected_to


def pictures(kind, size, channels):
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 256, (*size, channels))
    if kind == 'smooth':
        noise = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 2).reshape(*size, channels)
        noise = (noise - noise.min()) / np.ptp(noise) * 255
    elif kind == 'blocks':  # corners, straight edges, and ties along them
        noise = np.kron(noise[::8, ::8], np.ones((8, 8, 1)))[:size[0], :size[1]]
    elif kind == 'few levels':
        noise = noise // 64 * 85
    return np.ascontiguousarray(noise.astype(np.uint8))


@pytest.mark.parametrize('kind', ['noise', 'smooth', 'blocks', 'few levels'])
@pytest.mark.parametrize('size', [(5, 7), (48, 65), (97, 33)])
@pytest.mark.parametrize('low, high', [(10, 100), (50, 200), (300, 900)])
def test_equals_opencv(kind, size, low, high):
    for channels in (1, 3):
        image = pictures(kind, size, channels)
        expected = cv2.Canny(image, low, high) > 0
        got = canny(torch.from_numpy(image).permute(2, 0, 1)[None], low, high)
        assert np.array_equal(got[0, 0].numpy(), expected)


def test_a_batch_is_its_images():
    images = torch.stack([torch.from_numpy(pictures(kind, (40, 56), 3)).permute(2, 0, 1)
                          for kind in ('smooth', 'blocks')])
    got = canny(images, 10, 100)
    assert torch.equal(got, torch.cat([canny(images[i:i + 1], 10, 100) for i in range(2)]))
    assert got.any() and not got.all()


def test_connected_pixels_are_found_along_a_long_path():
    """A snake of one pixel's width, 300 steps long, and an island beside it."""
    allowed = torch.zeros(1, 1, 21, 30)
    allowed[0, 0, ::4] = 1
    allowed[0, 0, 2::8, -1] = allowed[0, 0, 1::8, -1] = allowed[0, 0, 3::8, -1] = 1
    allowed[0, 0, 6::8, 0] = allowed[0, 0, 5::8, 0] = allowed[0, 0, 7::8, 0] = 1
    snake = allowed.clone()
    allowed[0, 0, 2, 5] = 1
    seeds = torch.zeros_like(allowed)
    seeds[0, 0, 0, 0] = 1
    assert torch.equal(connected_to(seeds, allowed), snake)
    assert not connected_to(torch.zeros_like(seeds), allowed).any()
    assert F.max_pool2d(seeds, 3, 1, 1).sum() == 4  # eight neighbours, cut by the corner


def test_a_trace_keeps_the_loop():
    """Traced on an image without edges, right on one with long ones."""
    trace = torch.jit.trace(lambda x: canny(x, 10, 100), torch.zeros(1, 1, 9, 9), check_trace=False)
    image = torch.from_numpy(pictures('smooth', (60, 80), 1)).permute(2, 0, 1)[None].float()
    assert torch.equal(trace(image), canny(image, 10, 100))
