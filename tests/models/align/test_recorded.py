import pytest
import torch
import torch.nn.functional as F
from mmseg.models.utils import resize
from mmseg.registry import MODELS

from segfusion.models.align import BilinearAlign, RecordedAlign
from segfusion.models.expose import watch
from segfusion.ops import max_pool_with_indices, recorded_displacement
from tests.references import recorded


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('fine, coarse', [((8, 12), (4, 6)), ((9, 13), (5, 7)), ((7, 10), (3, 4)), ((6, 5), (6, 5)),
                                          ((8, 16), (2, 4))])
def test_equals_the_loop(fine, coarse, align_corners):
    energy = torch.rand(2, *fine, dtype=torch.float64) + 0.1
    ours = recorded_displacement(energy, coarse, align_corners=align_corners, temperature=0.7)
    slow = recorded.displacement(energy, coarse, align_corners, 0.7)
    torch.testing.assert_close(ours, slow, atol=1e-4, rtol=0)  # the floor under the energy is 1e-6 of its mean


def test_typed_out_windows():
    """Two 2x2 windows: all the energy at the lower right, and energies 1 and 3 on the left and right of the top row."""
    energy = torch.tensor([[[0., 0, 1, 3], [0, 5, 0, 0]]])
    options = dict(size=(1, 2), align_corners=False)
    centroid = recorded_displacement(energy, temperature=1, **options)
    torch.testing.assert_close(centroid, torch.tensor([[[[.5, .25]], [[.5, -.5]]]]), atol=1e-4, rtol=0)
    sharper = recorded_displacement(energy, temperature=.5, **options)  # weights 1 and 9
    torch.testing.assert_close(sharper, torch.tensor([[[[.5, .4]], [[.5, -.5]]]]), atol=1e-4, rtol=0)
    argmax = recorded_displacement(energy, temperature=0, **options)
    torch.testing.assert_close(argmax, torch.tensor([[[[.5, .5]], [[.5, -.5]]]]), atol=0, rtol=0)


def test_cold_limit_is_the_index_of_max_pooling():
    fine = torch.rand(2, 1, 8, 12)
    _, index = F.max_pool2d(fine, 2, return_indices=True)
    d = recorded_displacement(fine.square().mean(1), (4, 6), align_corners=False, temperature=0)
    y, x = torch.meshgrid(torch.arange(4) * 2 + .5, torch.arange(6) * 2 + .5, indexing='ij')
    assert torch.equal(y + d[:, 1], (index[:, 0] // 12).float())
    assert torch.equal(x + d[:, 0], (index[:, 0] % 12).float())


def test_steps_chain():
    """Two halvings that hand on weight and position are one quartering: softmax is associative."""
    energy = torch.rand(1, 8, 12, dtype=torch.float64) + .1
    once = recorded_displacement(energy, (2, 3), align_corners=False, temperature=.5)
    weight = energy**2
    where = torch.stack(torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (12, 8)), indexing='xy'))
    for _ in range(2):
        total = F.avg_pool2d(weight, 2)
        where = F.avg_pool2d(weight * where, 2) / total
        weight = total
    centre = torch.stack(torch.meshgrid(torch.arange(3) * 4 + 1.5, torch.arange(2) * 4 + 1.5, indexing='xy'))
    torch.testing.assert_close(once[0], where - centre, atol=1e-4, rtol=0)


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('size', [(9, 13), (10, 14), (5, 7), (20, 21)])
def test_uniform_energy_is_resize(size, align_corners):
    coarse, fine = torch.randn(2, 3, 5, 7), torch.full((2, 3, *size), -2.)
    ours, same = RecordedAlign(align_corners=align_corners)(coarse, fine)
    torch.testing.assert_close(ours, resize(coarse, size=size, mode='bilinear', align_corners=align_corners),
                               atol=1e-5, rtol=0)
    assert same is fine


def blob(y, x, size=(32, 40), sigma=1.2):
    rows, columns = torch.meshgrid(*(torch.arange(s, dtype=torch.float32) for s in size), indexing='ij')
    return torch.exp(-((rows - y)**2 + (columns - x)**2) / (2 * sigma**2))


def centroid(x):
    total = x.sum()
    y, x_ = torch.meshgrid(*(torch.arange(s, dtype=torch.float32) for s in x.shape), indexing='ij')
    return torch.stack([(x * y).sum(), (x * x_).sum()]) / total


def test_a_blob_returns_to_where_it_was():
    """A small blob off the middle of its 8x8 cell: max pooling forgets where it was, plain resizing centres it."""
    fine = blob(13.3, 18.6, sigma=1)
    coarse = F.max_pool2d(fine[None, None], 8)
    truth = torch.tensor([13.3, 18.6])
    resized, _ = BilinearAlign(align_corners=False)(coarse, fine[None, None])
    aligned, _ = RecordedAlign(align_corners=False, temperature=1.)(coarse, fine[None, None])
    peak = torch.tensor(divmod(int(aligned[0, 0].argmax()), 40))
    assert (centroid(resized[0, 0]) - truth).norm() > 1.8  # it is drawn around (11.5, 19.5), the middle of the cell
    assert (peak - truth).norm() <= 0.75, peak
    where = recorded_displacement(fine[None]**2, (4, 5), align_corners=False, temperature=1.)[0, :, 1, 2]
    torch.testing.assert_close(where, torch.tensor([18.6 - 19.5, 13.3 - 11.5]), atol=0.03, rtol=0)


def test_steps_land_nearer():
    """Where a value was recorded, the offset has to lead back to its cell; more steps of the iteration come closer."""
    fine, coarse = torch.rand(1, 1, 24, 32), torch.randn(1, 1, 12, 16)
    misses = []
    for steps in (1, 2, 16):
        align = RecordedAlign(align_corners=False, temperature=0, steps=steps)
        d = align.displacement(coarse, fine)  # whole pixels, +-1/2 around the middle of 2x2
        with watch(align) as seen:
            align(coarse, fine)
        x, y = (torch.arange(16) * 2 + .5 + d[0, 0]).long(), (torch.arange(12)[:, None] * 2 + .5 + d[0, 1]).long()
        misses.append((seen['offset'][0, :, y, x] + d[0]).norm(dim=0).mean().item())
    assert misses[0] > 0.3 and misses[1] < 0.65 * misses[0] and misses[2] < 0.1 * misses[0]


def test_pooling_indices_of_the_encoder_are_taken():
    """Three of four channels had their maximum on the right: at T = 1 the mean of their recorded indices."""
    x = torch.zeros(1, 4, 2, 2)
    x[0, :3, 0, 1] = 1
    x[0, 3, 0, 0] = 1
    indices = max_pool_with_indices(x)[1]
    align = RecordedAlign(align_corners=False, temperature=1.)
    d = align.displacement(torch.zeros(1, 4, 1, 1), indices)
    torch.testing.assert_close(d.flatten(), torch.tensor([.75 - .5, -.5]), atol=1e-4, rtol=0)


def test_segnets_decoder_takes_it_with_the_encoders_pooling_indices():
    indices, top = max_pool_with_indices(torch.randn(2, 4, 9, 14))[1], torch.randn(2, 4, 5, 7)
    head = MODELS.build(
        dict(type='SegNetHead', in_channels=[4, 4], stages=[[6]], num_classes=3, align=dict(type='RecordedAlign')))
    with watch(head) as seen:
        assert torch.isfinite(head([indices, top])).all()
    offset = seen['align.offset']
    assert offset.shape == (2, 2, 9, 14) and 0.1 < offset.abs().max() <= 1


def test_gradients():
    align = RecordedAlign(align_corners=False)
    fine = torch.rand(1, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    coarse = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c, f: align(c, f)[0], (coarse, fine))
    assert torch.autograd.gradcheck(
        lambda e: recorded_displacement(e, (3, 4), align_corners=True), (fine[:, 0].detach().requires_grad_(),))


def test_silent_maps_have_finite_gradients():
    fine = torch.zeros(1, 2, 6, 6, requires_grad=True)
    coarse = torch.randn(1, 2, 3, 3, requires_grad=True)
    moved, _ = RecordedAlign(align_corners=False)(coarse, fine)
    moved.square().sum().backward()
    assert torch.isfinite(fine.grad).all() and torch.isfinite(coarse.grad).all()
    torch.testing.assert_close(moved, resize(coarse, size=(6, 6), mode='bilinear', align_corners=False))


def test_positions_stay_exact_under_autocast_and_in_half():
    align = RecordedAlign(align_corners=True)
    coarse, fine = torch.randn(1, 8, 8, 128), torch.randn(1, 8, 16, 256)
    with torch.no_grad(), watch(align) as seen:
        align(coarse, fine)
        exact = seen['offset']
        with torch.autocast('cpu', dtype=torch.bfloat16):
            align(coarse, fine)
    assert torch.equal(seen['offset'], exact)
    half, _ = align(coarse.bfloat16(), fine.bfloat16())
    assert half.dtype == torch.bfloat16 and align.displacement(coarse, fine.bfloat16()).dtype == torch.float32


def test_errors_tell_what_to_do():
    with pytest.raises(ValueError, match='levels run fine to coarse'):
        RecordedAlign(align_corners=True)(torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 4, 4))
    with pytest.raises(ValueError, match='temperature >= 0'):
        RecordedAlign(align_corners=True, temperature=-1)
    with pytest.raises(ValueError, match='steps >= 1'):
        RecordedAlign(align_corners=True, steps=0)
