"""SFNet and SFNet-Lite against the authors' outputs, through the converter."""
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from tests.references import golden

BASES = Path(__file__).parents[3] / 'configs' / '_base_' / 'models'
STDC1 = dict(type='ShallowSTDCNet', stdc_type='STDCNet1', norm_cfg=dict(type='BN'), _delete_=True)


def build(base, **options):
    config = Config.fromfile(BASES / f'{base}.py')
    config.merge_from_dict({f'model.{key}': value for key, value in options.items()})
    return MODELS.build(config.model)


@pytest.fixture(scope='module')
def image():
    return golden.image(128, 192)


def strided(x):
    return x[..., ::2, ::2]


def test_parity_of_the_whole_network(image):
    data = golden.load('sfnet_r18')
    model, report = golden.converted(build('sfnet_r18', auxiliary_head=None), data)
    taps = {}
    for i in (1, 2):
        model.decode_head.aligns[i].flow_conv.register_forward_hook(
            lambda m, a, out, i=i: taps.update({f'flow{i}': out}))
    model.decode_head.context.register_forward_hook(lambda m, a, out: taps.update(ppm=out))
    with torch.no_grad():
        golden.assert_parity(strided(model(image)), data['output'])
    for name, value in taps.items():
        golden.assert_parity(value, data[name])
    assert set(taps) == {'flow1', 'flow2', 'ppm'}
    assert not report.dropped


def test_parity_of_deep_supervision(image):
    data = golden.load('sfnet_r18_dsn')
    model, report = golden.converted(build('sfnet_r18'), data)
    model.decode_head.training = True  # side outputs are offered in training only; the layers stay in evaluation
    with torch.no_grad():
        features = model.extract_feat(image)
        main = model.decode_head(features)
        aux = [head(features) for head in model.auxiliary_head]
    golden.assert_parity(strided(main), data['output'])
    for ours, name in zip(reversed(aux), ('dsn_out0', 'dsn_out1', 'dsn_out2')):  # the authors' run coarse to fine
        golden.assert_parity(strided(ours) if ours.shape[-1] >= 16 else ours, data[name])
    assert not report.dropped


def test_a_file_with_deep_supervision_fits_a_config_without(image):
    data = golden.load('sfnet_r18_dsn')
    model, report = golden.converted(build('sfnet_r18', auxiliary_head=None), data)
    with torch.no_grad():
        golden.assert_parity(strided(model(image)), data['output'])
    assert len(report.dropped) == 27 and all(k.startswith('head.dsn.') for k in report.dropped)


@pytest.mark.parametrize('name, base', [('sfnet_head_r18', 'sfnet_r18'), ('sfnet_lite_head_r18', 'sfnet-lite_r18')])
def test_parity_of_the_head_alone(name, base):
    from segfusion.convert.engine import Layout, convert
    from segfusion.convert.layouts import sfnet
    data = golden.load(name)
    model = build(base)
    wanted = {k: v for k, v in model.state_dict().items() if not k.startswith('backbone.')}
    lite = 'lite' in name
    rules = sfnet.LITE_HEAD if lite else (*sfnet.HEAD, *sfnet.DSN)
    layout = Layout('head', '', (), rules, sfnet.LITE_DROPS if lite else ())
    state, _ = convert(golden.reference_state(data), wanted, layout)
    model.load_state_dict(state, strict=False)
    model.eval()
    model.decode_head.training = True
    features = golden.features([64, 128, 256, 512])
    with torch.no_grad():
        golden.assert_parity(strided(model.decode_head(features)), data['output'])
        if not lite:
            golden.assert_parity(model.auxiliary_head[2](features), data['dsn_out0'])


def test_parity_of_sfnet_lite(image):
    data = golden.load('sfnet_lite_r18')
    model, report = golden.converted(build('sfnet-lite_r18'), data)
    gates = []
    model.decode_head.fusion.gate_conv.register_forward_hook(lambda m, a, out: gates.append(out.sigmoid()))
    with torch.no_grad():
        golden.assert_parity(strided(model(image)), data['output'])
    golden.assert_parity(gates[0], data['gate'])
    assert {'.'.join(k.split('.')[:2]) for k in report.dropped} == {'head.dsn', 'head.fpn_in'}


def test_parity_of_sfnet_stdc(image):
    data = golden.load('sfnet_stdc1')
    model, report = golden.converted(
        build(
            'sfnet_r18',
            backbone=STDC1,
            auxiliary_head=None,
            **{
                'decode_head.in_channels': [64, 256, 512, 1024],
                'decode_head.channels': 64
            }), data)
    with torch.no_grad():
        golden.assert_parity(strided(model(image)), data['output'])
    assert 'second copy of backbone.features' in report.dropped.values()


def test_parameters_and_macs_are_the_authors():
    """12.87 M parameters and 60.7 GMACs at 512x1024; 13.32 M with deep supervision."""
    plain, full = build('sfnet_r18', auxiliary_head=None), build('sfnet_r18')
    assert sum(p.numel() for p in plain.parameters()) == 12869715
    assert sum(p.numel() for p in full.parameters()) == 13320588
    plain = plain.eval().to('meta')
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        plain(torch.empty(1, 3, 512, 1024, device='meta'))
    assert counter.get_total_flops() / 2e9 == pytest.approx(60.7, abs=0.05)


@pytest.mark.parametrize('base', ['sfnet_r18', 'sfnet-lite_r18'])
def test_a_merge_without_concatenation_is_the_released_one(base):
    """What training computes, and the gradient of the maps, in float64; norms and dropout as in evaluation."""
    head = build(base, **{'auxiliary_head': None, 'decode_head.channels': 4}).eval().double().decode_head
    sizes = [(13, 17), (7, 9), (4, 5), (2, 3)] if base == 'sfnet_r18' else [(13, 17), (4, 5)]
    maps = [torch.randn(2, 4, *size, dtype=torch.float64, requires_grad=True) for size in sizes]

    def merge():
        merged = head.merge(maps) if base == 'sfnet_r18' else head.merge(*maps)
        return merged, torch.autograd.grad(merged.square().sum(), maps)

    released, expected = merge()
    head.training = True  # its layers stay in evaluation
    ours, got = merge()
    torch.testing.assert_close(ours, released)
    for one, other in zip(got, expected):
        torch.testing.assert_close(one, other)
    assert not torch.equal(ours, released), 'the concatenation was convolved in training, too'


def test_every_parameter_gets_a_gradient():
    model = revert_sync_batchnorm(build('sfnet_r18')).train()
    features = model.extract_feat(torch.randn(2, 3, 65, 97))
    total = model.decode_head(features).square().mean()
    for head in model.auxiliary_head:
        total = total + head(features).square().mean()
    total.backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_side_outputs_go_when_backward_starts_and_need_the_main_head():
    model = revert_sync_batchnorm(build('sfnet_r18')).train()
    features = model.extract_feat(torch.randn(2, 3, 64, 96))
    with pytest.raises(RuntimeError, match='no side outputs for these features'):
        model.auxiliary_head[0](features)
    logits = model.decode_head(features)
    model.auxiliary_head[0](features)
    logits.mean().backward()
    with pytest.raises(RuntimeError, match='no side outputs'):
        model.auxiliary_head[0](features)


@pytest.mark.parametrize('base', ['sfnet_r18', 'sfnet-lite_r18'])
def test_layers_begin_as_torch_draws_them(base):
    """Within the bound of torch's default, 1 / sqrt(fan in), and filling it; mmcv's normal draw would leave it."""
    model = build(base)
    model.init_weights()
    for module in model.decode_head.modules():
        if isinstance(module, torch.nn.Conv2d):
            bound = module.weight[0].numel()**-0.5
            assert 0.9 * bound < module.weight.abs().max() <= bound


@pytest.mark.parametrize('name, params, macs', [
    ('sfnet/sfnet_r50_8xb2-300e_cityscapes-1024x1024', 31.325, 165.8),
    ('sfnet/sfnet_r101_8xb2-300e_cityscapes-1024x1024', 50.317, 204.6),
    ('sfnet/sfnet_stdc1_8xb2-300e_cityscapes-1024x1024', 5.992, 14.9),
    ('sfnet_lite/sfnet-lite_r18_8xb2-1000e_cityscapes-1024x1024', 12.080, 44.5),
    ('sfnet_lite/sfnet-lite_stdc1_8xb2-1000e_cityscapes-1024x1024', 6.434, 18.5),
    ('sfnet_lite/sfnet-lite_stdc2_8xb2-1000e_cityscapes-1024x1024', 10.464, 25.1),
])
def test_costs_of_the_family_are_the_authors(name, params, macs):
    """Millions of parameters that the forward uses, and GMACs at 512x1024."""
    config = Config.fromfile(BASES.parents[1] / f'{name}.py')
    model = MODELS.build(config.model).eval().to('meta')
    used = sum(p.numel() for n, p in model.named_parameters() if not n.startswith('auxiliary_head.'))
    assert used / 1e6 == pytest.approx(params, abs=6e-4)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, 3, 512, 1024, device='meta'))
    assert counter.get_total_flops() / 2e9 == pytest.approx(macs, abs=0.06)
