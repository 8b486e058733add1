"""GFF: the released form against the authors' outputs, the paper's form against its equations."""
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from segfusion.convert.engine import convert
from segfusion.convert.layouts import LAYOUTS
from segfusion.deploy import prepare_for_inference
from segfusion.models.decode_heads import GFFHead
from tests.references import golden

BASES = Path(__file__).parents[3] / 'configs' / '_base_' / 'models'
LAYOUT = next(layout for layout in LAYOUTS if layout.name == 'gff-wide-resnet38')


def strided(x):
    return x[..., ::2, ::2]


def released_head():
    """The released head without ASPP, which stands before the stored inputs."""
    head = GFFHead([128, 1024, 256], 128, form='released', num_classes=19, norm_cfg=dict(type='BN'))
    head.context = nn.Identity()
    return head.eval()


def test_parity_of_the_released_head():
    data = golden.load('gff_head')
    head = released_head()
    wanted = {f'decode_head.{k}': v for k, v in head.state_dict().items()}
    layout = dataclasses.replace(LAYOUT, scope='decode_head.')
    state, report = convert(golden.reference_state(data), wanted, layout)
    assert not report.dropped and set(state) == set(head.state_dict())
    head.load_state_dict(state)
    taps = {}

    def tap(name, module, then=lambda x: x):
        module.register_forward_hook(lambda m, a, out: taps.update({name: then(out)}))

    for i in range(3):
        tap(f'gate{i + 1}', head.fusion.gate_convs[i], torch.sigmoid)
        tap(f'd_in{i + 1}', head.reduce_convs[i])
        tap(f'dense_{3 * i + 3}', head.dense_blocks[i])
    r = np.random.default_rng(1)
    levels = [
        torch.from_numpy(r.standard_normal(shape).astype(np.float32))
        for shape in ((1, 128, 64, 96), (1, 1024, 16, 24), (1, 256, 16, 24))
    ]
    with torch.no_grad():
        golden.assert_parity(strided(head(levels)), data['output'])
    for name, ours in taps.items():
        stored = data[name]
        ours = ours[:, :stored.shape[1]]
        golden.assert_parity(ours if ours.shape[2:] == stored.shape[2:] else strided(ours), stored)
    assert len(taps) == 9


@pytest.mark.slow
def test_parity_of_the_whole_network():
    data = golden.load('gff_wrn38')
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(BASES / 'gff_wrn38-d8.py').model)
    model, report = golden.converted(model.to_empty(device='cpu'), data)
    assert not report.dropped
    image = golden.image(64, 96)
    with torch.no_grad():
        levels = model.extract_feat(image)
        golden.assert_parity(levels[1][:, :4], data['m5'])
        golden.assert_parity(strided(model.decode_head(levels)), data['output'])


def test_parity_of_a_dense_block():
    data = golden.load('modules')
    reference = golden.module_state(data, 'gff_dense')
    width = reference['conv1.weight'].shape[0]
    head = GFFHead([8, 8, 8], width, form='released', num_classes=2, norm_cfg=dict(type='BN'))
    dilation = 3
    block = head.dense_blocks[dilation // 3 - 1]
    block.load_state_dict(reference)
    with torch.no_grad():
        golden.assert_parity(block.eval()(torch.from_numpy(data['gff_dense/in0'])), data['gff_dense/out0'])


def test_parameters_and_macs_are_the_authors():
    """141.104 M parameters and 1617.5 GMACs at 512x1024."""
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(BASES / 'gff_wrn38-d8.py').model)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(141.104, abs=5e-4)
    model = revert_sync_batchnorm(model).eval().to('meta')
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, 3, 512, 1024, device='meta'))
    assert counter.get_total_flops() / 2e9 == pytest.approx(1617.5, abs=0.05)


def small(form='paper', **options):
    options = {'num_classes': 3, 'norm_cfg': dict(type='BN'), **options}
    return GFFHead([4, 6, 8, 10], 8, form=form, merge_channels=12, **options)


def features(batch=2, dtype=torch.float32):
    """Odd sizes at strides 4, 8, 8, 8 of a dilated backbone."""
    sizes = ((17, 25), (9, 13), (9, 13), (9, 13))
    return [torch.randn(batch, c, *size, dtype=dtype) for c, size in zip((4, 6, 8, 10), sizes)]


def up(x, size):
    return F.interpolate(x, size=size, mode='bilinear', align_corners=True)


def test_paper_form_is_its_equations():
    """Gates once a pair, every map resized before it is used, one plain convolution a concatenation."""
    head = small().double().eval()
    levels = features(dtype=torch.float64)
    context = head.context(levels[-1])
    reduced = [conv(x) for conv, x in zip(head.reduce_convs, levels)]
    fused = []
    for i, x in enumerate(reduced):
        own = head.fusion.gate_convs[i](levels[i]).sigmoid()
        total = torch.zeros_like(x)
        for j, other in enumerate(reduced):
            if j != i:
                total += up(head.fusion.gate_convs[j](levels[j]).sigmoid() * other, x.shape[2:])
        fused.append((1 + own) * x + (1 - own) * total)
    maps = [context]
    for block, x in zip(head.dense_blocks, reversed(fused)):
        maps.append(block(torch.cat([up(m, x.shape[2:]) for m in [*maps, x]], dim=1)))
    merged = head.merge_convs[0](torch.cat([up(m, (17, 25)) for m in maps], dim=1))
    torch.testing.assert_close(head(levels), head.conv_seg(merged), atol=1e-11, rtol=0)


@pytest.mark.parametrize('form', ['paper', 'released'])
@pytest.mark.parametrize('align', ['BilinearAlign', 'FlowAlign', 'DeformableAlign'])
def test_every_parameter_gets_a_gradient(form, align):
    head = small(form, align=dict(type=align)).train()
    logits = head(features())
    assert logits.shape == (2, 3, 17, 25)
    logits.square().mean().backward()
    assert not [name for name, p in head.named_parameters() if p.grad is None]


@pytest.mark.parametrize('form', ['paper', 'released'])
def test_samples_are_independent_in_evaluation(form):
    head = small(form).eval()
    levels = features(3)
    with torch.no_grad():
        together = head(levels)
        alone = head([x[1:2] for x in levels])
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-4)


def test_still_flow_is_bilinear():
    """The align slot: with the flow at zero, FlowAlign gives what plain resizing gives on a dilated backbone."""
    plain, moved = small().double().eval(), small(align=dict(type='FlowAlign')).double().eval()
    moved.load_state_dict(plain.state_dict(), strict=False)
    for align in moved.aligns:
        nn.init.zeros_(align.flow_conv.weight)
    levels = features(dtype=torch.float64)
    torch.testing.assert_close(moved(levels), plain(levels), atol=1e-11, rtol=0)


@pytest.mark.parametrize('form', ['paper', 'released'])
def test_folding_norms_changes_nothing(form):
    """Norms before and after their convolutions, in the trunk and in the head."""
    backbone = dict(type='WideResNet38', base_channels=2, out_indices=(1, 2, 4, 6))
    head = dict(type='GFFHead', in_channels=[4, 8, 32, 128], channels=8, form=form, num_classes=3)
    head.update(norm_cfg=dict(type='BN'), merge_channels=12)
    model = MODELS.build(dict(type='EncoderDecoder', backbone=backbone, decode_head=head))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    image = torch.randn(1, 3, 65, 97)
    with torch.no_grad():
        before = model.eval()(image)
        after = prepare_for_inference(model)(image)
    torch.testing.assert_close(after, before, atol=2e-4 * before.std().item(), rtol=0)
    assert model.backbone.mod4[1].norm2.__class__ is nn.Identity


def test_side_outputs_are_the_fused_levels():
    head = small().train()
    side = MODELS.build(
        dict(
            type='SideOutputHeads',
            in_index=[0, 3],
            in_channels=8,
            channels=8,
            num_classes=3,
            norm_cfg=dict(type='BN'),
            align_corners=True))
    levels = features()
    fused = []
    head.fusion.register_forward_hook(lambda m, a, out: fused.extend(out))
    head(levels)
    for one, level in zip(side, (fused[0], fused[3])):
        one.eval()
        torch.testing.assert_close(one(levels), one.cls_seg(one.conv(level)))


def test_released_convolutions_start_as_the_authors():
    head = small('released', align=dict(type='DeformableAlign'))
    head.init_weights()
    for conv in (head.reduce_convs[3].conv, head.dense_blocks[2].conv2, head.merge_convs[0].conv):
        fan_in = conv.weight[0].numel()
        assert conv.weight.std().item() == pytest.approx((2 / fan_in)**0.5, rel=0.2)
    assert not head.dense_blocks[1].conv1.bias.any() and not head.aligns[0].offset_conv.weight.any()


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match="form must be 'paper' or 'released', got 'code'"):
        small('code')
    with pytest.raises(ValueError, match='got DuplexGateFusion, which fuses two; use it in TopDownHead'):
        small(fusion=dict(type='DuplexGateFusion'))
    with pytest.raises(ValueError, match=r'in_channels=\[4, 6, 8, 10\], but the backbone gives'):
        small()(features()[:3] + [torch.randn(2, 11, 9, 13)])
