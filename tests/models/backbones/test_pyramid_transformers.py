"""PVT v1 and v2 and Shunted Transformer: the authors' outputs and costs, any size, slow references."""
import copy

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from segfusion.models.backbones.pyramid_vision_transformer import SpatialReductionAttention
from segfusion.models.backbones.shunted_transformer import ShuntedAttention
from tests.references import golden
from tests.references.transformers import assert_levels, converted_trunk, silent_parameters

V1, V2, SHUNTED = 'PyramidVisionTransformer', 'PyramidVisionTransformerV2', 'ShuntedTransformer'
STAGES = dict(embed_dims=(8, 16, 32, 64), depths=(1, 2, 1, 1), num_heads=(2, 2, 4, 8), mlp_ratios=(2, 2, 2, 2),
              sr_ratios=(8, 4, 2, 1))
TINY = {
    V1: STAGES,
    V2: dict(STAGES, linear=False),
    'linear': dict(STAGES, linear=True),
    SHUNTED: dict(STAGES, num_convs=1),
}


def tiny(name, **options):
    return MODELS.build(dict(type=V2 if name == 'linear' else name, arch=TINY[name], **options))


@pytest.fixture(scope='module', params=[(V1, 'pvt_tiny'), (V2, 'pvtv2_b0'), (SHUNTED, 'shunted_t')], ids=lambda p: p[1])
def reference(request):
    name, file = request.param
    data = golden.load(f'modern_{file}')
    trunk, report = converted_trunk(dict(type=name), data, 'model' if name == SHUNTED else 'state_dict')
    return trunk, report, data


def test_parity_of_every_level(reference):
    trunk, report, data = reference
    with torch.no_grad():
        levels = trunk(golden.image(128, 192))
    assert_levels(levels, data, ('level1', 'level2', 'level3', 'output'), 3e-5)
    assert not report.dropped and not report.kept


@pytest.mark.parametrize('name, arch, params, macs', [
    (V1, 'tiny', 12.71, 11.7), (V1, 'small', 23.97, 23.0), (V1, 'medium', 43.69, None), (V1, 'large', 60.85, None),
    (V2, 'b0', 3.41, 3.8), (V2, 'b1', 13.50, 12.7), (V2, 'b2', 24.85, 24.2), (V2, 'b3', 44.73, None),
    (V2, 'b4', 62.04, None), (V2, 'b5', 81.44, None), (V2, 'b2-li', 22.04, 19.4),
    (SHUNTED, 't', 11.04, 14.5), (SHUNTED, 's', 21.89, 33.7), (SHUNTED, 'b', 39.10, 54.6),
])  # yapf: disable
def test_costs_are_the_authors(name, arch, params, macs):
    """Millions of parameters without classifier, GMACs at 512x512."""
    with torch.device('meta'):
        trunk = MODELS.build(dict(type=name, arch=arch)).eval()
        assert sum(p.numel() for p in trunk.parameters()) / 1e6 == pytest.approx(params, abs=6e-3)
        if macs:
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                trunk(torch.empty(1, 3, 512, 512))
            assert counter.get_total_flops() / 2e9 == pytest.approx(macs, abs=0.06)


@pytest.mark.parametrize('name', TINY)
def test_every_parameter_gets_a_gradient_at_an_odd_size(name):
    assert silent_parameters(tiny(name, drop_path_rate=0.), torch.randn(2, 3, 65, 97)) == []


@pytest.mark.parametrize('name', TINY)
def test_levels_of_any_size_and_samples_are_independent(name):
    trunk, image = tiny(name).eval(), torch.randn(2, 3, 137, 90)

    def rows(n):
        down = (n // 4, n // 8, n // 16, n // 32)
        fine = {SHUNTED: (n + 1) // 2 // 2}.get(name, -(-n // 4))
        up = [fine]
        while len(up) < 4:
            up.append((up[-1] + 1) // 2)
        return down if name == V1 else tuple(up)

    with torch.no_grad():
        levels, alone = trunk(image), trunk(image[1:])
    assert [tuple(x.shape[2:]) for x in levels] == list(zip(rows(137), rows(90)))
    assert [x.shape[1] for x in levels] == list(STAGES['embed_dims'])
    for both, one in zip(levels, alone):
        torch.testing.assert_close(both[1:], one, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('name', TINY)
def test_recomputing_changes_nothing(name):
    plain, recomputing = tiny(name, drop_path_rate=0.), tiny(name, drop_path_rate=0., with_cp=True)
    recomputing.load_state_dict(plain.state_dict())
    image = torch.randn(1, 3, 64, 64)
    for trunk in (plain, recomputing):
        trunk.train()(image)[-1].square().sum().backward()
    for one, other in zip(plain.parameters(), recomputing.parameters()):
        assert (one.grad is None) == (other.grad is None)
        if one.grad is not None:
            torch.testing.assert_close(one.grad, other.grad)


def test_fewer_levels_are_the_same_levels():
    whole, part = tiny(V2).eval(), tiny(V2, out_indices=(0, 2)).eval()
    part.load_state_dict({k: v for k, v in whole.state_dict().items() if k in part.state_dict()})
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        levels, fewer = whole(image), part(image)
    assert len(fewer) == 2 and torch.equal(fewer[0], levels[0]) and torch.equal(fewer[1], levels[2])
    assert not any(k.startswith('patch_embed4') for k in part.state_dict())


def test_drop_path_grows_linearly_over_all_blocks():
    trunk = tiny(V2, drop_path_rate=0.4)
    rates = [block.drop_path.drop_prob for i in range(1, 5) for block in getattr(trunk, f'block{i}')]
    assert rates == pytest.approx([0., 0.1, 0.2, 0.3, 0.4])


def test_positions_are_resized_where_the_grid_differs():
    """196x256 has as many tokens as the stored 56x56; the released code then takes them in the wrong order."""
    trunk = MODELS.build(dict(type=V1, arch=TINY[V1]))
    positions = trunk.pos_embed1.detach().transpose(1, 2).reshape(1, -1, 56, 56)
    tokens = torch.zeros(1, 49 * 64, 8)
    expected = F.interpolate(positions, (49, 64), mode='bilinear', align_corners=False).flatten(2).transpose(1, 2)
    with torch.no_grad():
        assert torch.equal(trunk.with_positions(0, tokens, (49, 64)), expected)
        assert torch.equal(trunk.with_positions(0, torch.zeros(1, 56 * 56, 8), (56, 56)), trunk.pos_embed1)


def test_the_class_position_of_a_file_is_left_out_on_load():
    trunk = tiny(V1)
    state = copy.deepcopy(trunk.state_dict())
    state['pos_embed4'] = torch.cat([torch.full((1, 1, 64), 9.), state['pos_embed4']], dim=1)
    trunk.load_state_dict(state)
    assert torch.equal(trunk.pos_embed4, state['pos_embed4'][:, 1:])


def softmax_attention(q, k, v):
    """One head, as the formula has it: (L, d), (M, d), (M, d) -> (L, d)."""
    return torch.softmax(q @ k.T / q.shape[1]**0.5, dim=1) @ v


def test_spatial_reduction_attention_is_its_formula():
    attn = SpatialReductionAttention(8, 2, sr_ratio=2).double()
    x, grid = torch.randn(1, 35, 8, dtype=torch.float64), (5, 7)
    cells = F.conv2d(x[0].T.reshape(1, 8, *grid), attn.sr.weight, attn.sr.bias, stride=2)  # the last row is left out
    x2 = F.layer_norm(cells.flatten(2)[0].T, (8, ), attn.norm.weight, attn.norm.bias, 1e-5)
    q, (k, v) = attn.q(x[0]), attn.kv(x2).chunk(2, dim=1)
    heads = [softmax_attention(q[:, s], k[:, s], v[:, s]) for s in (slice(0, 4), slice(4, 8))]
    torch.testing.assert_close(attn(x, grid)[0], attn.proj(torch.cat(heads, dim=1)))


def test_shunted_attention_gives_each_half_its_grid():
    attn = ShuntedAttention(8, 4, sr_ratio=2).double()
    x, grid = torch.randn(1, 24, 8, dtype=torch.float64), (4, 6)
    heads, q = [], attn.q(x[0])
    for i, ratio in ((1, 2), (2, 1)):
        sr, norm, kv, local = (getattr(attn, f'{n}{i}') for n in ('sr', 'norm', 'kv', 'local_conv'))
        cells = F.conv2d(x[0].T.reshape(1, 8, *grid), sr.weight, sr.bias, stride=ratio)
        k, v = kv(F.gelu(norm(cells.flatten(2)[0].T))).chunk(2, dim=1)
        v = v + local(v.T.reshape(1, 4, *cells.shape[2:])).flatten(2)[0].T
        for h in range(2):
            mine, theirs = slice(2 * h + 4 * (i - 1), 2 * h + 4 * (i - 1) + 2), slice(2 * h, 2 * h + 2)
            heads.append(softmax_attention(q[:, mine], k[:, theirs], v[:, theirs]))
    torch.testing.assert_close(attn(x, grid)[0], attn.proj(torch.cat(heads, dim=1)))


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="knows b0, b1.*got arch='b9'.*linear"):
        MODELS.build(dict(type=V2, arch='b9'))
    with pytest.raises(ValueError, match='a dict with embed_dims, depths'):
        MODELS.build(dict(type=V1, arch=dict(embed_dims=(8, ))))
    with pytest.raises(ValueError, match='one value a stage'):
        MODELS.build(dict(type=V1, arch=dict(STAGES, depths=(1, ))))
    with pytest.raises(ValueError, match='8 channels cannot be shared out to 3 heads'):
        MODELS.build(dict(type=V1, arch=dict(STAGES, num_heads=(3, 2, 4, 8))))
    with pytest.raises(ValueError, match='stages 0 to 3, fine to coarse'):
        tiny(V2, out_indices=(3, 1))
    with pytest.raises(ValueError, match='even num_heads and sr_ratio, got 1'):
        MODELS.build(dict(type=SHUNTED, arch=dict(TINY[SHUNTED], num_heads=(1, 2, 4, 8))))
    with pytest.raises(ValueError, match='multiple of 32, got 225'):
        tiny(V1, pretrain_img_size=225)
    with pytest.raises(ValueError, match='7x7 is smaller than the 8x8 cells.*32 pixels'):
        tiny(V1)(torch.zeros(1, 3, 28, 28))
