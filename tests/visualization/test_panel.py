import numpy as np
import torch

from custom_modules.visualization import draw_offset, draw_panel, flow_wheel
from custom_modules.visualization.panel import CAPTION, GREEN, GREY, RED, colour

PALETTE = [[10, 20, 30], [200, 100, 50]]


def test_opposite_directions_have_opposite_hues():
    offset = torch.zeros(2, 1, 3)
    offset[0, 0, 0], offset[0, 0, 2] = -2., 2.
    picture, longest = draw_offset(offset)
    assert longest == 2
    left, still, right = picture[0].astype(int)
    assert (still == 255).all()  # no motion is white
    wheel = flow_wheel(65).astype(int)
    # The picture's colours are those of the legend: left of the centre for dx < 0, right of it for dx > 0.
    assert abs(left - wheel[32, 0]).max() <= 8 and abs(right - wheel[32, 64]).max() <= 8
    assert abs(left - right).max() > 100


def test_errors_are_red_and_void_is_grey():
    truth = np.zeros((40, 60), np.uint8)
    truth[:, 30:] = 1
    truth[:10] = 255
    prediction = np.zeros_like(truth)
    image = np.full((40, 60, 3), 7, np.uint8)
    maps = {'head.aligns.0.offset': torch.randn(1, 4, 10, 15), 'head.gate': torch.rand(1, 1, 10, 15)}
    arrays = dict(image=image, truth=truth, prediction=prediction)
    panel = np.array(draw_panel(arrays, maps, PALETTE, ('road', 'car'), min_height=0))
    cell = 40 + CAPTION
    error = panel[cell + CAPTION:cell + cell, :60]  # three columns: errors begin the second row
    assert (error[5, 5] == GREY).all() and (error[20, 5] == GREEN).all() and (error[20, 50] == RED).all()
    assert (panel[CAPTION:cell, 60:120][20, 50] == PALETTE[1]).all()  # truth


def test_small_pictures_are_enlarged_by_a_whole_factor():
    flat = np.zeros((40, 60), np.uint8)
    arrays = dict(image=np.stack([flat] * 3, -1), truth=flat, prediction=flat)
    small = draw_panel(arrays, {}, PALETTE, (), min_height=40)
    large = draw_panel(arrays, {}, PALETTE, (), min_height=100)
    assert small.width == 4 * 60 and large.width == 4 * 180


def test_void_is_black():
    assert (colour(np.array([[0, 255]], np.uint8), PALETTE) == [[PALETTE[0], [0, 0, 0]]]).all()
