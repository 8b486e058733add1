"""AlignSeg against the authors' outputs, through the converter, and against the formulation written out."""
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

import segfusion
from benchmarks.alignseg import PlainAlignSegHead, pair
from segfusion.convert import LAYOUTS, choose_layout, convert
from segfusion.deploy import prepare_for_inference
from segfusion.models.decode_heads import AlignSegHead
from tests.references import golden

BASE = Path(__file__).parents[3] / 'configs' / '_base_' / 'models' / 'alignseg_r50.py'
NAMED = {layout.name: layout for layout in LAYOUTS}
# The whole network with an eighth of the channels.
NARROW = {
    'backbone.base_channels': 8,
    'backbone.stem_channels': 16,
    'decode_head.in_channels': [32, 64, 128, 256],
    'decode_head.channels': 32,
    'auxiliary_head.in_channels': 32,
    'auxiliary_head.channels': 32,
}
SMALL = dict(in_channels=[4, 6, 8, 10], channels=8, num_classes=5, norm_cfg=dict(type='BN'))


def build(sampler='corrected', **options):
    config = Config.fromfile(BASE)
    config.merge_from_dict({
        'model.decode_head.align': dict(type='DualOffsetAlign', sampler=sampler),
        'model.decode_head.context': dict(type='AlignedContext', sampler=sampler),
        **{f'model.{key}': value
           for key, value in options.items()}
    })
    return revert_sync_batchnorm(MODELS.build(config.model))


@pytest.fixture(scope='module')
def data():
    return golden.load('alignseg_r50')


@pytest.fixture(scope='module')
def model():
    """The whole network, built once; every parity test loads its weights and sets its sampler anew."""
    segfusion.register_all()
    return build().eval()


@pytest.fixture(scope='module')
def states(data, model):
    """The authors' file with the scales as the in-place activated norm uses them, and as they are."""
    source, wanted = golden.reference_state(data), model.state_dict()
    assert choose_layout(source, wanted, LAYOUTS) is NAMED['alignseg-dsn']
    return {name: convert(source, wanted, NAMED[name])[0] for name in ('alignseg-dsn', 'alignseg-plain-bn-dsn')}


def strided(x):
    return x[..., ::2, ::2]


@pytest.mark.parametrize('name, sampler, ceil_mode, layout', [
    ('output', 'released', True, 'alignseg-plain-bn-dsn'),
    ('output_gs_true', 'released_corners', True, 'alignseg-plain-bn-dsn'),
    ('output_v2', 'corrected', True, 'alignseg-plain-bn-dsn'),
    ('output_abn', 'released', True, 'alignseg-dsn'),
    ('output_noceil', 'released', False, 'alignseg-plain-bn-dsn'),
    ('output_noceil_gs_true', 'released_corners', False, 'alignseg-plain-bn-dsn'),
])
def test_parity_of_the_whole_network(data, model, states, name, sampler, ceil_mode, layout):
    head = model.decode_head
    model.load_state_dict(states[layout])
    model.backbone.maxpool.ceil_mode = ceil_mode
    for part in (head.context, *head.aligns):
        part.sampler = sampler
    taps, hooks = {}, []

    def tap(module, keys):
        hooks.append(module.register_forward_hook(lambda m, a, out: taps.update(zip(keys, out.split(8, dim=1)))))

    tap(head.context.scene, ['CAM_pool'])
    tap(head.context.offset_conv, ['delta_CAM'])
    tap(head.context, ['CAM'])
    tap(head.aligns[0].offset_conv, ['delta_CAB2'])
    tap(head.aligns[3].offset_conv, ['delta_CAB5'])
    try:
        with torch.no_grad():
            features = model.extract_feat(golden.image(128, 192))
            head.training = True  # side outputs are offered in training only; the layers stay in evaluation
            golden.assert_parity(strided(head(features)), data[name])
            side = strided(model.auxiliary_head(features))
    finally:
        head.training = False
        for hook in hooks:
            hook.remove()
    if name == 'output':
        for key in ('delta_CAB2', 'delta_CAB5'):
            both = taps.pop(key)
            taps[f'{key}_1'], taps[f'{key}_2'] = both.chunk(2, dim=1)
        assert len(taps) == 7
        for key, value in taps.items():
            golden.assert_parity(value, data[key])
        golden.assert_parity(side, data['dsn_out'])
    if name == 'output_noceil_gs_true':
        golden.assert_parity(side, data['dsn_out_noceil_gs_true'])


def test_a_file_fits_a_config_without_deep_supervision(data, states):
    source, model = golden.reference_state(data), build(auxiliary_head=None)
    wanted = model.state_dict()
    layout = choose_layout(source, wanted, LAYOUTS)
    state, report = convert(source, wanted, layout)
    assert layout.name == 'alignseg'
    assert len(report.dropped) == 9 and all(key.startswith('dsn.') for key in report.dropped)
    assert all(torch.equal(value, states['alignseg-dsn'][key]) for key, value in state.items())


@pytest.mark.parametrize('size', [(65, 97), (72, 104)])
def test_equals_the_formulation_written_out(size):
    """Resized first, concatenated, a branch an offset, ...; also with norms folded and channels last."""
    model, plain = pair({f'model.{key}': value for key, value in NARROW.items()})
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        features = model.extract_feat(image)
        expected, side = plain(features)
        golden.assert_parity(model(image), expected)
        model.decode_head.training = True
        model.decode_head(features)
        golden.assert_parity(model.auxiliary_head(features), side)
        model.decode_head.training = False
        fast = prepare_for_inference(model)
        golden.assert_parity(fast(image.to(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize('depth, params', [(50, 47854182), (101, 66846310)])
def test_parameters_are_the_authors(depth, params):
    assert sum(p.numel() for p in build(**{'backbone.depth': depth}).parameters()) == params


def test_macs_are_the_authors_less_what_need_not_be_computed():
    """204.4 GMACs at 512x1024, of which 35.6 are deep supervision in evaluation and convolutions of resized maps."""
    ours, plain = build().eval().to('meta'), PlainAlignSegHead().eval().to('meta')
    image = torch.empty(1, 3, 512, 1024, device='meta')
    macs = []
    for forward in (lambda: plain(ours.extract_feat(image)), lambda: ours(image)):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            forward()
        macs.append(counter.get_total_flops() / 2e9)
    assert macs[0] == pytest.approx(204.4, abs=0.05)
    fine, coarse = 129 * 257, (65 * 129, 33 * 65, 17 * 33, 17 * 33)
    side = fine * (9 * 256 * 256 + 256 * 19)
    resized = sum(fine - size for size in coarse) * 256 * 512 + (17 * 33 - 3 * 3) * 256 * 256
    assert macs[0] - macs[1] == pytest.approx((side + resized) / 1e9, rel=1e-6)


def levels(n=2, height=36, width=44, channels=SMALL['in_channels']):
    return [torch.randn(n, c, -(-height // 2**i), -(-width // 2**i)) for i, c in enumerate(channels)]


def test_every_parameter_gets_a_gradient():
    model = build(**NARROW).train()
    for align in model.decode_head.aligns:
        torch.nn.init.normal_(align.offset_conv.weight, std=0.01)
    features = model.extract_feat(torch.randn(2, 3, 65, 97))
    (model.decode_head(features).square().mean() + model.auxiliary_head(features).square().mean()).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_initial_weights_stay_torchs_and_offsets_zero():
    head = AlignSegHead(**SMALL)
    before = {key: value.clone() for key, value in head.state_dict().items()}
    head.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in head.state_dict().items())
    assert all(align.offset_conv.weight.abs().max() == 0 for align in head.aligns)
    bound = head.laterals[3].unify.conv.in_channels**-0.5
    assert 0.9 * bound < head.laterals[3].unify.conv.weight.abs().max() <= bound


def test_samples_are_independent_in_evaluation():
    model, x = AlignSegHead(**SMALL).eval(), levels(n=3)
    with torch.no_grad():
        alone = torch.cat([model([level[i:i + 1] for level in x]) for i in range(3)])
        torch.testing.assert_close(model(x), alone, atol=1e-5, rtol=1e-5)


def test_inputs_are_not_overwritten():
    x = levels()
    before = [level.clone() for level in x]
    AlignSegHead(**SMALL)(x)
    assert all(torch.equal(a, b) for a, b in zip(x, before))


@pytest.mark.parametrize('align', ['BilinearAlign', 'FlowAlign'])
def test_other_alignments_learn(align):
    """Three steps of plain gradient descent on one batch lower the loss."""
    model, x = AlignSegHead(**SMALL, align=dict(type=align)), levels(height=17, width=21)
    target = torch.randn(2, 5, 17, 21)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    losses = []
    for _ in range(4):
        loss = (model(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_it_trains_in_other_heads():
    head = MODELS.build(
        dict(type='TopDownHead', align=dict(type='DualOffsetAlign'), context=dict(type='AlignedContext'), **SMALL))
    head(levels()).square().mean().backward()
    assert not [name for name, p in head.named_parameters() if p.grad is None]


def test_unaligned_levels_are_refused():
    with pytest.raises(ValueError, match='SumFusion needs both levels on one grid'):
        AlignSegHead(**SMALL, align=None)
    with pytest.raises(ValueError, match=r'AlignSegHead was built with in_channels=\[4, 6, 8, 10\]'):
        AlignSegHead(**SMALL)(levels(channels=[4, 6, 8, 12]))
