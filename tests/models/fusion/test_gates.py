"""GFF's gates: the pair, and all levels at once."""
import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from segfusion.models.expose import watch
from segfusion.models.fusion import DuplexGateFusion, GatedFullFusion
from tests.references import golden

SIZES = ((11, 15), (6, 8), (6, 8), (3, 4))


def gate_to(value, *convs):
    """Fix gates at 0, 1/2 or 1."""
    for conv in convs:
        torch.nn.init.zeros_(conv.weight)
        torch.nn.init.constant_(conv.bias, {0: -1e4, 0.5: 0, 1: 1e4}[value])


def resized(x, size):
    return F.interpolate(x, size=size, mode='bilinear', align_corners=True)


def levels(sizes=SIZES, channels=4):
    return [torch.randn(2, channels, *size).double() for size in sizes]


def build(**options):
    return GatedFullFusion(**{**dict(channels=4, num_levels=4, align_corners=True), **options}).double()


def test_parity_of_a_gate():
    data = golden.load('modules')
    fusion = GatedFullFusion(8, num_levels=1, align_corners=True, gate_channels='channels')
    state = {k.replace('0.', '0.', 1): v for k, v in golden.module_state(data, 'gff_gate').items()}
    fusion.gate_convs.load_state_dict(state)
    with torch.no_grad():
        gate = fusion.gates([torch.from_numpy(data['gff_gate/in0'])])[0]
    golden.assert_parity(gate, data['gff_gate/out0'])


@pytest.mark.parametrize('gate_channels', [1, 'channels'])
@pytest.mark.parametrize('coarse_gate, fine_gate, expected', [
    (1, 0, lambda coarse, fine: fine + coarse),
    (0, 0, lambda coarse, fine: fine),
    (0, 1, lambda coarse, fine: 2 * fine),
    (1, 1, lambda coarse, fine: 2 * fine),
    (0.5, 0.5, lambda coarse, fine: 1.5 * fine + 0.25 * coarse),
])
def test_limits_of_the_pair(gate_channels, coarse_gate, fine_gate, expected):
    """An open sender and a receiver that knows nothing: the sum. A receiver that knows: its own map twice."""
    fusion = DuplexGateFusion(4, gate_channels=gate_channels).double()
    gate_to(coarse_gate, fusion.coarse_gate)
    gate_to(fine_gate, fusion.fine_gate)
    coarse, fine = torch.randn(2, 2, 4, 5, 7).double()
    torch.testing.assert_close(fusion(coarse, fine), expected(coarse, fine), atol=1e-12, rtol=0)


def test_gradients_of_the_pair():
    fusion = DuplexGateFusion(2).double()
    maps = torch.randn(2, 1, 2, 3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda m: fusion(m[0], m[1]), (maps, ))


@pytest.mark.parametrize('gate_channels', [1, 'channels'])
@pytest.mark.parametrize('update', ['parallel', 'sequential'])
def test_all_levels_against_the_equation(gate_channels, update):
    """Every pair gated and resized on its own, in the order of the paper or of the released code."""
    fusion = build(gate_channels=gate_channels, update=update, gate_in_channels=[3, 5, 7, 9])
    xs = levels()
    guides = [torch.randn(2, c, *size).double() for c, size in zip((3, 5, 7, 9), SIZES)]
    current = [x.clone() for x in xs]
    expected = []
    for i in range(4):
        own = fusion.gate_convs[i](guides[i]).sigmoid()
        total = 0
        for j in range(4):
            if j != i:
                total = total + resized(fusion.gate_convs[j](guides[j]).sigmoid() * current[j], SIZES[i])
        expected.append(xs[i] + own * xs[i] + (1 - own) * total)
        if update == 'sequential':
            current[i] = expected[i]
    for ours, theirs in zip(fusion(xs, guides=guides), expected):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


def test_closed_gates_change_nothing_in_either_order():
    xs = levels()
    for update in ('parallel', 'sequential'):
        fusion = build(update=update)
        gate_to(0, *fusion.gate_convs)
        for ours, x in zip(fusion(xs), xs):
            torch.testing.assert_close(ours, x, atol=1e-12, rtol=0)


def test_order_matters_once_gates_are_open():
    xs = levels()
    fused = {}
    for update in ('parallel', 'sequential'):
        fusion = build(update=update)
        gate_to(0.5, *fusion.gate_convs)
        fused[update] = fusion(xs)
    assert torch.equal(fused['parallel'][0], fused['sequential'][0])  # the first one hears nothing new
    for a, b in zip(fused['parallel'][1:], fused['sequential'][1:]):
        assert (a - b).abs().max() > 0.1


@pytest.mark.parametrize('update', ['parallel', 'sequential'])
def test_an_aligner_gets_the_sum_of_the_coarser_levels(update):
    """With an aligner that resizes, levels at two strides come out as without one."""
    sizes = ((11, 15), (6, 8), (6, 8), (6, 8))
    xs, fusion = levels(sizes), build(update=update)
    align = MODELS.build(dict(type='BilinearAlign', align_corners=True))
    for ours, plain in zip(fusion(xs, aligns=[align] * 3), fusion(xs)):
        torch.testing.assert_close(ours, plain, atol=1e-12, rtol=0)


def test_each_level_is_gated_once_and_three_levels_are_resized_once(monkeypatch):
    from segfusion.models.fusion import gated_full
    calls = []
    monkeypatch.setattr(gated_full, 'resize', lambda x, size, **kw: calls.append(size) or resized(x, size))
    fusion, seen = build(), []
    for conv in fusion.gate_convs:
        conv.register_forward_hook(lambda m, a, out: seen.append(out.shape[2:]))
    fusion(levels(((11, 15), (6, 8), (6, 8), (6, 8))))
    assert seen == [(11, 15), (6, 8), (6, 8), (6, 8)]
    assert calls == [(11, 15), (6, 8)]


def test_gradients_of_all_levels():
    fusion = GatedFullFusion(2, num_levels=3, align_corners=True, update='sequential').double()
    xs = [torch.randn(1, 2, *size).double().requires_grad_() for size in ((4, 5), (2, 3), (2, 3))]
    assert torch.autograd.gradcheck(lambda *x: tuple(fusion(x)), xs)


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match="gate_channels must be 1 .* got 2"):
        DuplexGateFusion(4, gate_channels=2)
    with pytest.raises(ValueError, match="'parallel' or 'sequential', got 'both'"):
        build(update='both')
    with pytest.raises(ValueError, match='in a head that fuses two levels at a time .* use DuplexGateFusion'):
        build(num_levels=None)
    with pytest.raises(ValueError, match='expected 4, got \\[4\\]'):
        build(gate_in_channels=[4])
    with pytest.raises(ValueError, match='built for 4 levels, got 2 levels and 2 guides'):
        build()(levels(SIZES[:2]))


def test_gates_can_be_watched():
    fusion = build()
    with watch(fusion) as seen:
        fusion(levels())
    assert [tuple(seen[f'level{i}.gate'].shape) for i in (1, 2, 3, 4)] == [(2, 1, *size) for size in SIZES]
    assert all(0 < gate.min() and gate.max() < 1 for gate in seen.values())
