"""Windows over large images: what they cover, and that they change nothing a network sees within the halo."""
import sys
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config

from segfusion.deploy import label_in_windows, predict_image
from segfusion.deploy.post_process import dense_crf
from segfusion.deploy.windows import pixels_at_once, windows
from tests.deploy.test_predict import BrightestChannel

PIXELS = 192**2  # with a halo of 64: centres of 64


class Blurred(BrightestChannel):
    """A network that looks 24 pixels far, at stride 8."""

    def encode_decode(self, inputs, batch_img_metas):
        small = F.avg_pool2d(F.pad(inputs, (0, -inputs.shape[3] % 8, 0, -inputs.shape[2] % 8)), 8)
        small = F.avg_pool2d(small, 5, 1, 2, count_include_pad=False)
        up = F.interpolate(small, scale_factor=8, mode='nearest')
        return up[:, :, :inputs.shape[2], :inputs.shape[3]] + 0.1 * inputs


def image(height=301, width=450, seed=0):
    coarse = torch.rand(1, 3, height // 20, width // 20, generator=torch.Generator().manual_seed(seed))
    smooth = F.interpolate(coarse * 255, size=(height, width), mode='bilinear')
    return smooth[0].permute(1, 2, 0).round().byte().numpy()


@pytest.mark.parametrize('size', [(301, 450), (193, 193), (70, 4000), (4000, 70), (1, 90000)])
def test_centres_tile_the_image_and_windows_stay_small(size):
    seen = np.zeros(size, int)
    for outer, centre in windows(*size, PIXELS, 64):
        seen[centre.rows, centre.columns] += 1
        assert (outer.bottom - outer.top) * (outer.right - outer.left) <= PIXELS
        assert outer.top % 64 == outer.left % 64 == 0
        for low, inner, outermost in ((outer.top, centre.top, 0), (outer.left, centre.left, 0)):
            assert low == max(inner - 64, outermost)
        assert outer.bottom == min(centre.bottom + 64, size[0]) and outer.right == min(centre.right + 64, size[1])
    assert (seen == 1).all()


def test_small_images_are_one_window_and_small_limits_are_refused():
    (outer, centre), = windows(192, 192, PIXELS, 64)
    assert outer == centre == (0, 192, 0, 192)
    with pytest.raises(ValueError, match='at least 36864 pixels at once'):
        windows(400, 400, PIXELS - 1, 64)
    assert pixels_at_once(19) == 2048**2 and pixels_at_once(150) == 2**28 // 150


@pytest.mark.parametrize('mode', [dict(mode='whole'), dict(mode='slide', crop_size=(96, 96), stride=(64, 64))])
def test_labels_are_those_of_the_whole_image(mode):
    """Exactly, for a network that looks less far than the halo; in slide mode for one that looks at its pixel."""
    model = Blurred() if mode['mode'] == 'whole' else BrightestChannel()
    model.test_cfg = Config(mode)
    picture, seen = image(), []
    whole = predict_image(model, picture)
    labels = label_in_windows(model, picture, PIXELS, halo=64, report=lambda items, what: seen.append(what) or items)
    assert len(np.unique(whole.labels)) == 3 and seen == ['predicting 301x450 in windows']
    np.testing.assert_array_equal(labels, whole.labels)


def test_padding_to_a_divisor_is_taken_off_every_window():
    model = Blurred()
    model.data_preprocessor.test_cfg = dict(size_divisor=32)
    np.testing.assert_array_equal(
        label_in_windows(model, image(), PIXELS, halo=64), predict_image(model, image()).labels)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('scale, seen_whole', [((225, 150), True), ((675, 451), False)])
def test_a_pipeline_that_resizes(scale, seen_whole, align_corners):
    """Logits are interpolated as mmseg does: where the network sees all at once, up to rounding the same labels."""
    model, calls = Blurred(), []
    model.align_corners = align_corners
    model.cfg.test_pipeline.insert(1, dict(type='Resize', scale=scale, keep_ratio=False))
    forward = model.inference
    model.inference = lambda x, metas: calls.append(tuple(x.shape[2:])) or forward(x, metas)
    labels = label_in_windows(model, image(), 290**2, halo=64)
    assert (calls == [scale[::-1]]) == seen_whole and max(h * w for h, w in calls) <= (1.5 * 192 + 70)**2
    assert (labels != predict_image(model, image()).labels).mean() < 1e-3


def test_one_output_is_compared_with_the_threshold():
    model = BrightestChannel()
    model.out_channels = 1
    model.decode_head.threshold = 0.6
    model.encode_decode = lambda inputs, metas: 4 * (inputs[:, :1] - 0.5)
    expected = 1 / (1 + np.exp(-4 * (image()[..., 0] / 255 - 0.5))) > 0.6
    np.testing.assert_array_equal(label_in_windows(model, image(), PIXELS, halo=64), expected)


def test_predict_image_switches_at_the_limit_and_refines_inside(monkeypatch):
    module = sys.modules[predict_image.__module__]
    monkeypatch.setattr(module, 'label_in_windows', partial(label_in_windows, halo=64))
    picture, pixels = image(200, 400), 200 * 400
    small = predict_image(BrightestChannel(), picture, pixels=pixels)
    large = predict_image(BrightestChannel(), picture, pixels=pixels - 1)
    assert small.logits.shape == (3, 200, 400) and large.logits is None
    np.testing.assert_array_equal(small.labels, large.labels)
    whole, parts = (predict_image(BrightestChannel(), picture, dict(iterations=2), pixels=n).labels
                    for n in (pixels, pixels - 1))
    changed = (whole != small.labels).mean()
    assert changed > 0.01 and (whole != parts).mean() < changed / 4


def test_dense_crf_in_windows_keeps_shape_type_and_nearly_all_labels(monkeypatch):
    monkeypatch.setattr('segfusion.deploy.post_process.windows', partial(windows, halo=64))
    picture = image(200, 400).transpose(2, 0, 1)
    colours = torch.from_numpy(picture.copy())[None].expand(2, -1, -1, -1).float()
    logits = colours / 64 + torch.randn(2, 3, 200, 400, generator=torch.Generator().manual_seed(1))
    whole = dense_crf(colours, logits, logits=True, iterations=2)
    parts = dense_crf(colours, logits, logits=True, iterations=2, pixels=200 * 399)
    assert parts.shape == whole.shape and parts.dtype == whole.dtype and not torch.equal(parts, whole)
    assert (parts.argmax(1) != whole.argmax(1)).float().mean() < 0.01  # where the CRF changes a third
