"""Displacement against the distance to a boundary, for fields whose answer is known."""
import numpy as np
import pytest
import torch
from mmseg.structures import SegDataSample
from torch import nn

from segfusion.models.expose import expose
from segfusion.study.displacement import Profile, fields, measure


def halves(height=21, width=30, at=14):
    """Left class 0, right class 1: columns at - 1 and at are the boundary."""
    labels = np.zeros((height, width), np.int64)
    labels[:, at:] = 1
    return labels


def column_distance(width=30, at=14):
    x = np.arange(width)
    return np.where(x < at, at - 1 - x, x - at).astype(float)


def test_a_field_that_decays_from_the_boundary_gives_its_own_curve():
    distance = column_distance()
    sign = np.where(np.arange(30) < 14, -1., 1.)  # away from the boundary on either side
    dx = np.broadcast_to(sign * np.exp(-distance / 4), (21, 30))
    profile = Profile((0, 1, 2, 3, 8))
    profile.add(torch.from_numpy(np.stack([dx, 0 * dx])), halves(), align_corners=True)
    found = profile.result()
    assert found['scale'] == 1 and found['pixels'] == [42, 42, 42, 210, 21 * (30 - 16)]
    wanted = [np.exp(-distance[(distance >= low) & (distance < high)] / 4).mean()
              for low, high in ((0, 1), (1, 2), (2, 3), (3, 8), (8, np.inf))]
    np.testing.assert_allclose(found['length'], wanted, rtol=1e-6)
    np.testing.assert_allclose(found['away'], wanted, rtol=1e-6)
    np.testing.assert_allclose(found['cosine'], 1, rtol=1e-6)


def test_a_field_along_the_boundary_goes_neither_away_nor_across():
    profile = Profile((0, 3))
    profile.add(torch.stack([torch.zeros(21, 30), torch.full((21, 30), 2.)]), halves(), align_corners=False)
    found = profile.result()
    assert found['length'] == [2, 2] and found['cosine'] == pytest.approx([0, 0], abs=1e-6)
    assert found['away'] == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize('corners, scale', [(True, (40 / 10, 56 / 14)), (False, (41 / 11, 57 / 15))])
def test_lengths_are_in_pixels_of_the_labels(corners, scale):
    profile = Profile((0, ))
    offset = torch.tensor([3., 4.]).view(2, 1, 1).expand(2, 11, 15)
    profile.add(offset, halves(41, 57, 30), align_corners=corners)
    assert profile.result()['length'][0] == pytest.approx(np.hypot(3 * scale[1], 4 * scale[0]))
    assert profile.result()['scale'] == pytest.approx(np.mean(scale))


def test_a_coarser_grid_finds_its_pixels_where_they_are():
    profile = Profile((0, 4, 8, 12))  # columns 0, 4, ..., 40 of 41; the boundary is at 19 | 20
    dx = torch.arange(11.).expand(6, 11)
    profile.add(torch.stack([dx, 0 * dx]), halves(21, 41, 20), align_corners=True)
    found = profile.result()
    # distances of the columns: 19 15 11 7 3 | 0 4 8 12 16 20
    assert found['pixels'] == [12, 12, 12, 30]
    np.testing.assert_allclose(found['length'], [4 * 4.5, 4 * 4.5, 4 * 4.5, 4 * (0 + 1 + 8 + 9 + 10) / 5])


def test_void_and_images_without_a_boundary_count_nowhere():
    labels, profile = halves(), Profile((0, 2))
    labels[:10] = 255
    offset = torch.ones(2, 21, 30)
    profile.add(offset, labels, align_corners=True)
    assert sum(profile.result()['pixels']) == 11 * 30
    profile.add(offset, np.zeros((21, 30), np.int64), align_corners=True)
    assert sum(profile.result()['pixels']) == 11 * 30
    assert Profile((0, 2)).result()['length'] == [None, None]


def test_bins_have_to_ascend():
    with pytest.raises(ValueError, match='ascending'):
        Profile((0, 3, 2))


class Mover(nn.Module):
    """Predicts the truth, and says that it moved by two fields."""

    def __init__(self):
        super().__init__()
        self.test_cfg, self.decode_head = dict(mode='whole'), nn.Module()
        self.decode_head.align_corners = True
        self.decode_head.aligns = nn.ModuleList([nn.Identity()])

    def test_step(self, batch):
        sample = batch['data_samples'][0]
        truth = sample.gt_sem_seg.data
        expose(self.decode_head.aligns[0], offset=torch.cat([torch.full((1, 2, 5, 6), v) for v in (1., 0.)], 1))
        sample.set_data(dict(pred_sem_seg=sample.gt_sem_seg.clone(),
                             seg_logits=type(sample.gt_sem_seg)(data=torch.stack([truth[0] == c for c in (0, 1)]))))
        return [sample]


class Scenes(list):
    metainfo = dict(classes=('a', 'b'))


def test_all_fields_and_scores_come_from_one_pass():
    from mmengine.structures import PixelData
    sample = dict(inputs=torch.zeros(3, 21, 26, dtype=torch.uint8),
                  data_samples=SegDataSample(gt_sem_seg=PixelData(data=torch.from_numpy(halves(21, 26, 13))[None])))
    found = measure(Mover(), Scenes([sample, sample]), [dict(type='BoundaryIoUMetric')], edges=(0, 4),
                    report=lambda items, what: items)
    assert list(found['profiles']) == ['aligns.0 coarse', 'aligns.0 fine']
    np.testing.assert_allclose(found['profiles']['aligns.0 coarse']['length'], 5 * np.sqrt(2))  # one of 5 pixels
    assert found['profiles']['aligns.0 fine']['length'] == [0, 0]
    assert found['scores']['mBIoU'] == 100


def test_fields_are_named_by_their_part():
    maps = {'decode_head.aligns.1.offset': torch.zeros(1, 2, 3, 4),
            'decode_head.fusions.1.gate': torch.zeros(1, 1, 3, 4),
            'decode_head.fusion.offset': torch.arange(4.).view(1, 4, 1, 1).expand(1, 4, 3, 4)}
    found = dict(fields(maps))
    assert list(found) == ['aligns.1', 'fusion coarse', 'fusion fine']
    assert found['fusion fine'][:, 0, 0].tolist() == [2, 3]
