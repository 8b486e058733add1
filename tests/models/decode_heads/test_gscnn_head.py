"""Gated-SCNN against the authors' outputs, its sizes and its costs."""
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from segfusion.deploy import prepare_for_inference
from segfusion.models.decode_heads import GSCNNHead
from segfusion.models.decode_heads.deep_supervision import take_side_outputs
from segfusion.models.expose import watch
from tests.references import golden
from tests.references.samples import batch

BASES = Path(__file__).parents[3] / 'configs' / '_base_' / 'models'


def full_size(base='gscnn_wrn38-d8'):
    with torch.device('meta'):
        return MODELS.build(Config.fromfile(BASES / f'{base}.py').model)


def small(**options):
    """The released wiring on a trunk of a thirty-second of its width."""
    config = Config.fromfile(BASES / 'gscnn_wrn38-d8.py')
    config.merge_from_dict({
        'model.backbone.backbone.base_channels': 2, 'model.decode_head.in_channels': [2, 4, 8, 16, 128, 1],
        'model.decode_head.channels': 8, 'model.decode_head.stream_channels': (6, 4, 2),
        'model.decode_head.fine_channels': 4, 'model.decode_head.num_classes': 5,
        'model.auxiliary_head.num_classes': 5, 'model.data_preprocessor.size': (65, 97),
        **{f'model.{k}': v for k, v in options.items()}})
    return revert_sync_batchnorm(MODELS.build(config.model))


@pytest.mark.slow
def test_parity_of_the_whole_network():
    data = golden.load('modern_gscnn_wrn38')
    model, report = golden.converted(full_size().to_empty(device='cpu'), data)
    assert set(report.dropped) == {'dsn1.weight', 'dsn1.bias'}
    head, taps = model.decode_head, {}

    def tap(name, module, of=lambda out: out):
        module.register_forward_hook(lambda m, a, out: taps.update({name: of(out)}))

    for i in range(3):
        tap(f'dsn{(3, 4, 7)[i]}', head.texture_convs[i])
        tap(f'alpha{i + 1}', head.gates[i].norm2, lambda out: out.sigmoid()[..., ::4, ::4])
    head.pyramid.bottleneck.register_forward_pre_hook(lambda m, a: taps.update(aspp=a[0][:, ::48]))
    image = golden.image(96, 128)
    with torch.no_grad(), watch(model) as seen:
        levels = model.extract_feat(image)
        assert torch.equal(levels[-1], torch.from_numpy(data['canny']).float())
        logits = head(levels)
    golden.assert_parity(logits, data['output'], 5e-5)
    whole = F.interpolate(logits, size=(96, 128), mode='bilinear', align_corners=model.align_corners)
    golden.assert_parity(whole[..., ::8, ::8], data['output_full_s8'], 5e-5)
    edge = seen['decode_head.edge.response']
    torch.testing.assert_close(edge, torch.from_numpy(data['edge']), atol=5e-4, rtol=0)
    taps.update(mod2=levels[1][:, :4], mod7=levels[4][:, :16])
    assert set(taps) | {'output', 'output_full_s8', 'edge', 'canny'} == set(data) - {
        'keys', 'shapes', 'scale', 'alias', 'meta'}
    for name, value in taps.items():
        stored = torch.from_numpy(data[name])
        step = value.shape[-1] // stored.shape[-1]
        golden.assert_parity(value[..., ::step, ::step], stored, 5e-5)


def test_parameters_and_macs_are_the_authors():
    """137.28 M parameters, 65 of them in a layer that the release never uses, and about 755 GMACs at 512x512."""
    model = full_size()
    assert sum(p.numel() for p in model.parameters()) == 137278190 - 65
    model = revert_sync_batchnorm(model).eval()
    edges = torch.empty(1, 1, 512, 512, device='meta')
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.decode_head([*model.backbone.backbone(torch.empty(1, 3, 512, 512, device='meta')), edges])
    assert counter.get_total_flops() / 2e9 == pytest.approx(755, rel=0.005)


def test_edges_join_the_pyramid():
    """Edge map and Canny's, mixed and squashed, second of the pyramid's branches."""
    model = small().eval()
    head, seen = model.decode_head, {}
    head.pyramid.edge_conv.register_forward_pre_hook(lambda m, a: seen.update(edges=a[0]))
    head.pyramid.bottleneck.register_forward_pre_hook(lambda m, a: seen.update(branches=a[0].split(8, dim=1)))
    with torch.no_grad(), watch(model) as exposed:
        levels = model.extract_feat(torch.randn(1, 3, 65, 97))
        head(levels)
        edge, canny = exposed['decode_head.edge.response'], levels[-1]
        w = head.attention_conv.weight.flatten()
        attention = (w[0] * edge + w[1] * canny).sigmoid()
        size = levels[4].shape[2:]
        expected = F.interpolate(attention, size=size, mode='bilinear', align_corners=True)
        torch.testing.assert_close(seen['edges'], expected)
        assert len(seen['branches']) == 6
        torch.testing.assert_close(seen['branches'][1], head.pyramid.edge_conv(expected))
        scene = head.pyramid.image_pool(levels[4].mean((2, 3), keepdim=True))
        torch.testing.assert_close(seen['branches'][0], scene.expand(-1, -1, *size))
    assert {f'decode_head.gates.{i}.gate' for i in range(3)} < set(exposed)


@pytest.mark.parametrize('size', [(360, 480), (65, 97)])
def test_any_size_predicts(size):
    model = small().eval()
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        together, alone = model(image), model(image[1:])
    assert together.shape == (2, 5, -(-size[0] // 2), -(-size[1] // 2))
    torch.testing.assert_close(alone, together[1:], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize('options', [{}, {
    'backbone.of': 'image', 'backbone.mean': [120.] * 3, 'backbone.std': [60.] * 3,
    'auxiliary_head.loss_edge.form': 'paper', 'auxiliary_head.loss_dual.form': 'paper'}])
def test_a_step_trains_every_parameter(options):
    model = small(**options).train()
    data = model.data_preprocessor(batch(5, size=(65, 97)), True)
    losses = model(**data, mode='loss')
    assert {'decode.loss_ce', 'aux.loss_edge', 'aux.loss_attention', 'aux.loss_dual'} <= set(losses)
    loss, _ = model.parse_losses(losses)
    loss.backward()
    assert torch.isfinite(loss) and not [name for name, p in model.named_parameters() if p.grad is None]


def test_only_the_edge_losses_reach_the_edges_alone():
    """The side outputs are the edge map at the size of the image, and the logits that the head returns."""
    model = small().train()
    levels = model.extract_feat(torch.randn(2, 3, 33, 41))
    logits = model.decode_head(levels)
    edge, offered = take_side_outputs(levels)
    assert offered is not logits and torch.equal(offered, logits)  # else they would keep each other alive
    assert edge.shape == (2, 1, 33, 41) and 0 < edge.min() and edge.max() < 1
    assert model.auxiliary_head(levels) is edge
    edge.sum().backward(retain_graph=True)
    trained = {name.split('.')[0] for name, p in model.decode_head.named_parameters() if p.grad is not None}
    assert trained == {'texture_convs', 'stream_blocks', 'stream_convs', 'gates', 'edge_conv'}


@pytest.mark.parametrize('fusion', [dict(type='ShapeGateFusion', coarse_channels=1), dict(type='SumFusion')])
def test_the_gate_is_a_part(fusion):
    head = GSCNNHead([4, 4, 6, 8, 1], 8, stream_channels=(4, 2), fine_channels=4, num_classes=3, fusion=fusion)
    levels = [torch.randn(2, c, *s) for c, s in zip((4, 4, 6, 8), ((17, 25), (9, 13), (9, 13), (5, 7)))]
    assert head([*levels, torch.zeros(2, 1, 17, 25)]).shape == (2, 3, 9, 13)


def test_folding_norms_changes_nothing():
    model = small().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    image = torch.randn(1, 3, 65, 97)
    with torch.no_grad():
        before = model(image)
        after = prepare_for_inference(model)(image)
    torch.testing.assert_close(after, before, atol=2e-4 * before.std().item(), rtol=0)


def test_wrong_levels_are_named():
    with pytest.raises(ValueError, match=r"3 levels that gate .* got \[4, 4, 6, 1\]; .* type='WithEdges'"):
        GSCNNHead([4, 4, 6, 1], num_classes=3)
    head = GSCNNHead([4, 4, 6, 8, 1], 8, stream_channels=(4, 2), num_classes=3)
    with pytest.raises(ValueError, match=r'in_channels=\[4, 4, 6, 8\], but the backbone gives'):
        head([torch.randn(1, c, 8, 8) for c in (4, 4, 6, 9, 1)])
