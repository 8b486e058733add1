import pytest
import torch

from segfusion.ops.crf import permutohedral
from segfusion.ops.crf.permutohedral import _key_dtype, _scale, build_lattice, weighted_bags
from tests.references.golden import load

SIGMAS = {
    'spatial_default': (3., None),
    'spatial_wide': (2., None),
    'bilateral_default': (160., 3.),
    'bilateral_wide': (20., 20.)
}


def features(image, sigma_xy, sigma_rgb):
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    rows = [x / sigma_xy, y / sigma_xy] + ([] if sigma_rgb is None else list(image / sigma_rgb))
    return torch.stack([r.flatten().to(image.dtype) for r in rows])


@pytest.mark.parametrize('name', SIGMAS)
def test_filters_equal_those_of_crfasrnn_pytorch(name):
    golden = {k: torch.from_numpy(v) for k, v in load('crf_filters').items()}
    lattice = build_lattice(features(golden['image'][0], *SIGMAS[name]))
    rows = golden['q'].flatten(1).t().contiguous()
    forward = lattice.filter(rows)
    reverse = lattice.filter(rows, reverse=True)
    mass = lattice.mass()
    shape = golden['q'].shape
    torch.testing.assert_close(forward.t().view(shape), golden[f'{name}_raw'], atol=1e-5, rtol=1e-6)
    torch.testing.assert_close(reverse.t().view(shape), golden[f'{name}_raw_reverse'], atol=1e-5, rtol=1e-6)
    torch.testing.assert_close(mass.view(1, *shape[1:]), golden[f'{name}_ones'], atol=1e-5, rtol=1e-6)
    ratio = (forward / mass[:, None]).t().view(shape)
    torch.testing.assert_close(ratio, golden[f'{name}_out'], atol=1e-6, rtol=0)


def test_reverse_is_the_adjoint():
    image = torch.rand(3, 9, 13, dtype=torch.float64) * 255
    for blurs, dilations in ((1, 0), (2, 1)):
        lattice = build_lattice(features(image, 7., 30.), blurs=blurs, dilations=dilations)
        a, b = torch.randn(2, 117, 3, dtype=torch.float64)
        left, right = (lattice.filter(a) * b).sum(), (a * lattice.filter(b, reverse=True)).sum()
        assert abs(left - right) <= 1e-12 * lattice.filter(a.abs()).sum()


def test_weights_are_barycentric():
    image = torch.rand(3, 21, 10, dtype=torch.float64) * 255
    f = features(image, 5., 20.)
    lattice = build_lattice(f)
    assert (lattice.weight > -1e-12).all()
    torch.testing.assert_close(lattice.weight.sum(1), torch.ones(210, dtype=torch.float64))
    # A simplex is convex, so interpolating the vertices' own positions gives the points back.
    total = lattice.splat(f.t().contiguous())
    share = lattice.splat(torch.ones(210, 1, dtype=torch.float64))
    assert share.sum().item() == pytest.approx(210)
    assert total.sum(0).tolist() == pytest.approx(f.sum(1).tolist())


def test_every_vertex_once_and_neighbours_are_mutual():
    image = (torch.rand(3, 15, 18) * 255).round()
    lattice = build_lattice(features(image, 4., 25.))
    rows = lattice.rows
    assert sorted(set(lattice.corner.flatten().tolist())) == list(range(1, rows))
    for corner in lattice.corner:
        assert len(set(corner.tolist())) == 6
    for axis in lattice.neighbour.view(6, rows, 3):
        itself, after, before = axis.long().unbind(1)
        assert torch.equal(itself, torch.arange(rows))
        assert after[0] == before[0] == 0
        has = after > 0
        assert torch.equal(before[after[has]], itself[has])
        assert (before > 0).sum() == has.sum()


def test_one_point_keeps_the_centre_of_the_blur():
    # Alone in its simplex, a point gets back sum_k,l w_k w_l H_kl; its own vertices are not neighbours of each other
    # along one axis, but all D of them are connected by going along several.
    lattice = build_lattice(torch.zeros(2, 1))
    assert lattice.rows == 4
    assert lattice.weight.tolist() == [[1., 0., 0.]]
    assert lattice.filter(torch.tensor([[8.]])).item() == pytest.approx(8 * lattice.mass().item())


def test_images_do_not_see_each_other_and_bits_do_not_depend_on_the_batch():
    images = (torch.rand(4, 3, 7, 11) * 255).round()
    together = build_lattice(torch.cat([features(i, 6., 17.) for i in images], 1), counts=[77] * 4)
    rows = torch.randn(4, 77, 5)
    out = together.filter(rows.flatten(0, 1)).view(4, 77, 5)
    for image, x, y in zip(images, rows, out):
        single = build_lattice(features(image, 6., 17.))
        assert torch.equal(single.filter(x), y)


def test_wide_keys_give_the_same_lattice(monkeypatch):
    image = (torch.rand(3, 12, 9) * 255).round()
    narrow = build_lattice(features(image, 5., 9.))
    monkeypatch.setattr(permutohedral, '_key_dtype', lambda numbers, dim: torch.int64)
    wide = build_lattice(features(image, 5., 9.))
    for name in ('corner', 'weight', 'splat_point', 'splat_weight', 'splat_offset', 'neighbour'):
        assert torch.equal(getattr(narrow, name), getattr(wide, name)), name


def test_key_type_and_its_limit():
    assert _key_dtype(2**31 - 1, 5) == torch.int32
    assert _key_dtype(2**31, 5) == torch.int64
    with pytest.raises(ValueError, match='use larger bandwidths'):
        build_lattice(torch.tensor([[0., 1e6]] * 5))


def test_far_from_the_origin_is_the_same_lattice_shifted():
    f = torch.rand(2, 50, dtype=torch.float64) * 9
    period = 3 / _scale(2, 1)[0]  # moves every vertex onto another one; its number no longer fits 32 bits
    moved = f + torch.tensor([[period * 2.**29], [0.]], dtype=torch.float64)
    x = torch.randn(50, 2, dtype=torch.float64)
    torch.testing.assert_close(build_lattice(moved).filter(x), build_lattice(f).filter(x), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('bad', [torch.full((2, 3), float('nan')), torch.zeros(2, 3, dtype=torch.float16)])
def test_bad_features_are_refused(bad):
    with pytest.raises(ValueError, match='expected'):
        build_lattice(bad)


def test_bags_are_a_sparse_product():
    table = torch.arange(6.).view(3, 2)
    out = weighted_bags(table, torch.tensor([2, 0, 2], dtype=torch.int32), torch.tensor([0, 0, 2, 3],
                                                                                        dtype=torch.int32),
                        torch.tensor([1., 10., .5]))
    assert out.tolist() == [[0., 0.], [4., 15.], [2., 2.5]]


def test_segments_are_the_same_sums():
    image = (torch.rand(2, 3, 9, 14, dtype=torch.float64) * 40).round()  # few vertices, long groups
    points = torch.cat([features(i, 30., 50.) for i in image], 1)
    plain = build_lattice(points, counts=[126] * 2)
    assert (plain.splat_offset.diff() > 100).any()
    x = torch.randn(252, 4, dtype=torch.float64)
    for segment in (1, 7, 64):
        cut = build_lattice(points, counts=[126] * 2, segment=segment)
        assert cut.segment_offset.diff().max() <= segment
        torch.testing.assert_close(cut.filter(x), plain.filter(x))
        torch.testing.assert_close(cut.mass(), plain.mass())
        single = build_lattice(points[:, :126], segment=segment)
        assert torch.equal(single.filter(x[:126]), cut.filter(x)[:126])
