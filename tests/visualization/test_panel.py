import numpy as np
import pytest
import torch

from segfusion.visualization import draw_arrows, draw_beside, draw_cells, draw_offset, draw_panel, flow_wheel
from segfusion.visualization.canvas import GREY, WHITE, Cell, class_legend, colour, faded, fit, font, heat, tile
from segfusion.visualization.maps import (
    AMBER,
    BLUE,
    GREEN,
    RED,
    RIGHT,
    draw_boundary_errors,
    draw_changes,
    draw_errors,
    entropy,
)

PALETTE = [[10, 20, 30], [200, 100, 50]]


def test_opposite_directions_have_opposite_hues():
    offset = torch.zeros(2, 1, 3)
    offset[0, 0, 0], offset[0, 0, 2] = -2., 2.
    drawing, longest = draw_offset(offset)
    assert longest == 2
    left, still, right = drawing[0].astype(int)
    assert (still == 255).all()  # no motion is white
    wheel = flow_wheel(65).astype(int)
    # The image's colours are those of the legend: left of the centre for dx < 0, right of it for dx > 0.
    assert abs(left - wheel[32, 0]).max() <= 8 and abs(right - wheel[32, 64]).max() <= 8
    assert abs(left - right).max() > 100


def test_one_outlier_does_not_pale_the_field():
    offset = torch.zeros(2, 20, 20)
    offset[0] = 1
    calm, _ = draw_offset(offset)
    offset[0, 0, 0] = 50
    drawing, length = draw_offset(offset)
    assert length == 1 and np.array_equal(drawing, calm)


def test_arrows_point_where_the_position_reads():
    """dx > 0 in the first column of the arrows' grid, nothing elsewhere: marks run to the right from its points."""
    image, offset = np.full((80, 160, 3), 90, np.uint8), torch.zeros(2, 20, 40)
    offset[0, :, :5] = 2.5  # of a grid four times as coarse: ten pixels
    drawing, factor = draw_arrows(image, offset, across=8)
    marked = (drawing != faded(image)).any(-1)
    assert factor == 2 and marked[10, 40:].sum() <= 6 * 7  # dots
    row = np.flatnonzero(marked[10, :36])  # from 10 (the first grid point) to 10 + 2 x 10
    assert 7 <= row.min() <= 10 and 30 <= row.max() <= 33


def arrays(**more):
    truth = np.zeros((40, 60), np.uint8)
    truth[:, 30:] = 1
    truth[:10] = 255
    image = np.full((40, 60, 3), 7, np.uint8)
    return dict(image=image, truth=truth, prediction=np.zeros_like(truth), **more)


def test_two_networks_share_an_image_and_a_truth(monkeypatch):
    one, other, drawn = arrays(), arrays(), []
    other['prediction'] = other['truth'].copy()
    monkeypatch.setattr('segfusion.visualization.panel.tile',
                        lambda cells, *args: drawn.extend(cells) or tile(cells, *args))
    flow = {'decode_head.aligns.0.offset': torch.ones(1, 2, 5, 6)}
    draw_beside((one, {}), (other, flow), ('a', 'b'), PALETTE, ('x', 'y'), min_height=40)
    titles = [cell.title.split(':')[0] for cell in drawn]
    assert titles[:6] == ['image', 'truth', 'a, prediction', 'a, errors', 'b, prediction', 'b, errors']
    assert titles.count('image') == titles.count('truth') == 1 and 'aligns.0 offset, 5x6' in titles
    assert np.array_equal(drawn[2].image, colour(one['prediction'], PALETTE))
    assert np.array_equal(drawn[4].image, colour(other['prediction'], PALETTE))
    assert 'errors: 50.0 %' in drawn[3].title and 'errors: 0.0 %' in drawn[5].title


def test_errors_are_red_and_void_is_grey():
    found = arrays()
    error, share = draw_errors(found['truth'], found['prediction'], 255)
    assert (error[5, 5] == GREY).all() and (error[20, 5] == RIGHT).all() and (error[20, 50] == RED).all()
    assert share == 50


def test_boundary_errors_are_those_of_the_band():
    found = arrays()
    drawing, share = draw_boundary_errors(found['image'], found['truth'], found['prediction'], 255, 3)
    assert (drawing[20, 27:30] == BLUE).all() and (drawing[20, 30:33] == RED).all() and share == 50
    assert len(np.unique(drawing[20, 33:])) == 1 and not (drawing[:10] == RED).all(-1).any()  # void is no boundary


def test_changes_of_a_refiner():
    before, after, truth = (np.array([row], np.uint8) for row in ([0, 0, 1, 1, 0], [0, 1, 0, 2, 1], [0, 1, 1, 0, 255]))
    drawing, amount = draw_changes(np.zeros((1, 5, 3), np.uint8), before, after, truth, 255)
    assert drawing[0, 1:].tolist() == [list(GREEN), list(RED), list(AMBER), list(GREY)]
    assert amount == 'refined 75.0 %: 25.0 mended (green), 25.0 broken (red)'
    assert draw_changes(np.zeros((1, 5, 3), np.uint8), before, after, None, 255)[1] == 'refined 80.0 %'


def test_entropy_runs_from_certain_to_uniform():
    logits = torch.zeros(4, 1, 3)
    logits[0, 0, 1] = 100
    logits[2:, 0, 2] = -100  # two classes left: ln 2 of ln 4
    np.testing.assert_allclose(entropy(logits), [[1, 0, .5]], atol=1e-6)
    np.testing.assert_allclose(entropy(torch.tensor([[[0., 50.]]])), [[1, 0]], atol=1e-6)


def test_heat_maps_have_the_scale_of_their_bar():
    low, high = heat(np.array([[-1., 0]])), heat(np.array([[1., 7]]))
    assert (low[0, 0] == low[0, 1]).all() and (high[0, 0] == high[0, 1]).all()
    sheet = np.array(tile([Cell('entropy', np.zeros((50, 300, 3), np.uint8), ('0', '1'))], 1))[:25].reshape(-1, 3)
    assert (sheet == low[0, 0]).all(-1).any() and (sheet == high[0, 0]).all(-1).any()


def test_what_is_drawn_follows_from_what_there_is():
    maps = {
        'decode_head.aligns.0.offset': torch.randn(1, 4, 10, 15),
        'decode_head.fusions.1.coarse.gate': torch.rand(1, 8, 10, 15),
        'decode_head.gates.0.response': torch.full((1, 2, 10, 15), -4.),
        'decode_head.unknown': torch.rand(1, 1, 10, 15),
    }
    full = arrays(entropy=np.zeros((40, 60)), before=np.ones((40, 60), np.uint8))
    titles = [cell.title for cell in draw_cells(full, maps, PALETTE)]
    assert [t.split(':')[0].split(',')[0] for t in titles] == [
        'image', 'truth', 'prediction', 'errors', 'entropy', 'within 5 px of a boundary',
        'prediction before refinement', 'refined 100.0 %', 'aligns.0 field 1 offset',
        'aligns.0 field 1', 'aligns.0 field 2 offset', 'aligns.0 field 2', 'fusions.1 coarse gate', 'gates.0 response']
    response = draw_cells(full, maps, PALETTE, show=['gate'])[-1]
    assert response.bar == ('0', '4') and (response.image == heat(np.ones((1, 1)))).all()
    bare = {k: full[k] for k in ('image', 'prediction')}
    assert [cell.title for cell in draw_cells(bare, {}, PALETTE)] == ['image', 'prediction']
    with pytest.raises(ValueError, match='cannot show'):
        draw_cells(bare, {}, PALETTE, show=['flows'])


def test_small_images_are_enlarged_by_a_whole_factor():
    cells = [draw_cells(arrays(), {}, PALETTE, min_height=height)[1].image for height in (40, 100)]
    assert np.array_equal(cells[1], cells[0].repeat(3, 0).repeat(3, 1))
    panel = draw_panel(arrays(), {}, PALETTE, ('road', 'car'), min_height=100)
    assert panel.width == 3 * 180 + 2 * 6  # five images: three a row


def test_void_is_black():
    assert (colour(np.array([[0, 255]], np.uint8), PALETTE) == [[PALETTE[0], [0, 0, 0]]]).all()


def test_no_text_is_cut_off():
    """Captions are shortened to their image; every name of a legend stays inside, on as many lines as needed."""
    title = 'decode_head.' * 20 + 'the end'
    sheet = np.array(tile([Cell(title, np.zeros((30, 200, 3), np.uint8))] * 2, 2))
    assert (sheet[:25, 200:206] == WHITE).all()
    from PIL import Image, ImageDraw
    draw = ImageDraw.Draw(Image.new('RGB', (1, 1)))
    assert fit(title, 190, draw, font(15)).endswith('the end') and fit('short', 190, draw, font(15)) == 'short'
    board = np.array(class_legend(PALETTE * 8, ['a rather long name'] * 16, 300))
    assert board.shape[0] >= 8 * 20 and (board[:, -2:] == WHITE).all() and (board[-3:] == WHITE).all()
