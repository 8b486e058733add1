import pytest
import torch

from segfusion.ops import alignseg_offset, warp
from tests.references import golden

STORED = dict(released='out0', released_corners='out0_gs_true', corrected='out0_v2')


@pytest.mark.parametrize('sampler', STORED)
def test_parity_with_the_authors_samplers(sampler):
    data = golden.load('modules')
    x, delta = torch.from_numpy(data['al_warp/in0']), torch.from_numpy(data['al_warp/delta'])
    offset, corners = alignseg_offset(delta, x.shape[2:], sampler, True)
    ours = warp(x, offset, align_corners=corners, padding_mode='zeros')
    golden.assert_parity(ours, data[f'al_warp/{STORED[sampler]}'])


def test_a_released_zero_field_stretches_by_half_a_pixel():
    """The base grid ends at the outer edges of the corner pixels, half a pixel outside their centres."""
    offset, corners = alignseg_offset(torch.zeros(1, 2, 3, 5), (3, 5), 'released', True)
    assert not corners
    assert offset[0, 0, 1].tolist() == [-0.5, -0.25, 0, 0.25, 0.5]
    assert offset[0, 1, :, 2].tolist() == [-0.5, 0, 0.5]
    row = torch.tensor([[[[4., 8., 12.]]]])
    moved = warp(row, offset[:, :, 1:2, ::2], align_corners=False, padding_mode='zeros')
    assert moved.flatten().tolist() == [2, 8, 6]  # the border fades to half


@pytest.mark.parametrize('sampler, unit', [('released', (5 / 4, 3 / 6)), ('released_corners', (4 / 4, 2 / 6)),
                                           ('first_release', (5 / 6, 3 / 4)), ('first_release_corners', (4 / 6, 2 / 4)),
                                           ('corrected', (1., 1.))])
def test_unit_of_a_field(sampler, unit):
    """A field of one moves a sample by this many pixels of a 3x5 target, from a source of 3x2."""
    zero, one = (alignseg_offset(torch.full((1, 2, 3, 5), v), (3, 2), sampler, True)[0] for v in (0., 1.))
    moved = (one - zero)[0]
    torch.testing.assert_close(moved, torch.tensor(unit).view(2, 1, 1).expand(2, 3, 5))


def test_the_first_release_differs_off_the_square_only():
    delta = torch.randn(1, 2, 6, 6)
    same, _ = alignseg_offset(delta, (6, 6), 'released', True)
    assert torch.equal(alignseg_offset(delta, (6, 6), 'first_release', True)[0], same)


def test_positions_are_float32():
    delta = torch.full((1, 2, 2, 300), 0.3).bfloat16()
    offset, _ = alignseg_offset(delta, (2, 300), 'released', True)
    assert offset.dtype == torch.float32
    steps = offset[0, 0, 0].diff()
    torch.testing.assert_close(steps, torch.full_like(steps, 1 / 299), atol=1e-6, rtol=0)


def test_unknown_sampler_is_named():
    with pytest.raises(ValueError, match="unknown sampler 'v2'; expected one of corrected, released"):
        alignseg_offset(torch.zeros(1, 2, 3, 3), (3, 3), 'v2', True)
