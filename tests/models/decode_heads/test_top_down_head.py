import pytest
import torch
from mmseg.models.decode_heads import UPerHead

from segfusion.models.decode_heads import TopDownHead

CHANNELS = [4, 6, 8, 10]


def head(**kwargs):
    options = dict(in_channels=CHANNELS, channels=8, num_classes=5, norm_cfg=dict(type='BN'))
    return TopDownHead(**{**options, **kwargs})


def levels(n=2, height=36, width=44, channels=CHANNELS, grad=False):
    return [
        torch.randn(n, c, -(-height // 2**i), -(-width // 2**i), requires_grad=grad) for i, c in enumerate(channels)
    ]


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('training', [True, False])
def test_defaults_equal_uperhead_bit_for_bit(align_corners, training):
    kwargs = dict(channels=8, num_classes=5, norm_cfg=dict(type='BN'), align_corners=align_corners, dropout_ratio=0.)
    theirs = UPerHead(in_channels=CHANNELS, in_index=[0, 1, 2, 3], **kwargs).train(training)
    ours = head(**kwargs).train(training)
    state = {}
    for key, value in theirs.state_dict().items():
        if key.startswith('psp_modules.'):  # psp_modules.i.1.conv.weight
            _, i, _, rest = key.split('.', 3)
            key = f'context.pools.{i}.{rest}'
        elif key.startswith('bottleneck.'):
            key = 'context.' + key
        state[key] = value
    ours.load_state_dict(state)
    x = levels(height=37, width=45)
    assert torch.equal(ours(x), theirs(x))


def test_every_parameter_gets_a_gradient():
    model = head(align=dict(type='FlowAlign'))
    model(levels()).square().sum().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_samples_are_independent_in_evaluation():
    model, x = head().eval(), levels(n=3)
    with torch.no_grad():
        alone = torch.cat([model([level[i:i + 1] for level in x]) for i in range(3)])
        torch.testing.assert_close(model(x), alone, atol=1e-5, rtol=1e-5)


def test_inputs_are_not_overwritten():
    x = levels()
    before = [level.clone() for level in x]
    head()(x)
    assert all(torch.equal(a, b) for a, b in zip(x, before))


def test_two_levels_are_enough():
    assert head(in_channels=[4, 6])(levels(channels=[4, 6])).shape == (2, 5, 36, 44)


def test_wrong_levels_are_named():
    with pytest.raises(ValueError, match=r'in_channels=\[4, 6, 8, 10\].*\[4, 6, 8, 12\]'):
        head()(levels(channels=[4, 6, 8, 12]))
    with pytest.raises(ValueError, match='fine to coarse'):
        head(in_channels=CHANNELS[::-1])(levels()[::-1])


def test_fusion_without_alignment_is_refused():
    with pytest.raises(ValueError, match='SumFusion needs both levels on one grid'):
        head(align=None)
    with pytest.raises(ValueError, match='expected align=None'):
        head(fusion=dict(type='GatedDualFlowFusion'))
    assert head(align=None, fusion=dict(type='GatedDualFlowFusion')).aligns is None


def test_unknown_part_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="'FlowAlignn' is not registered; did you mean 'FlowAlign'"):
        head(align=dict(type='FlowAlignn'))
