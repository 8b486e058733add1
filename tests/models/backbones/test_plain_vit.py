"""mmseg's ViT and MiT with their silent differences closed; Swin through mmpretrain."""
import pytest
import torch
from mmcv.cnn.bricks.drop import DropPath
from mmseg.registry import MODELS

from tests.references import golden
from tests.references.transformers import Trunk, converted_trunk, silent_parameters

VIT = dict(img_size=64, embed_dims=32, num_layers=3, num_heads=4, out_indices=(0, 2))
MIT = dict(embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 2, 4], patch_sizes=[7, 3, 3, 3],
           sr_ratios=[8, 4, 2, 1])


@pytest.mark.parametrize('ours, stock, options', [
    ('PlainViT', 'VisionTransformer', dict(VIT, patch_bias=True)), ('MiT', 'MixVisionTransformer', MIT)])
def test_keys_and_numbers_are_those_of_the_host(ours, stock, options):
    """Up to rounding of the fused attention, and to MiT's eps, which is set back here."""
    ours, stock = (Trunk(dict(type=kind, **options)).eval().backbone for kind in (ours, stock))
    assert list(ours.state_dict()) == list(stock.state_dict())
    ours.load_state_dict(stock.state_dict())
    for module in ours.modules():
        if isinstance(module, torch.nn.LayerNorm) and 'patch_sizes' in options:
            module.eps = 1e-6
    image = torch.randn(2, 3, 80, 64)
    with torch.no_grad():
        for a, b in zip(ours(image), stock(image), strict=True):
            torch.testing.assert_close(a, b, atol=2e-5, rtol=2e-5)


def test_the_patch_bias_is_there():
    """The host's default leaves it out, and a pretrained one is dropped without a word."""
    assert MODELS.build(dict(type='PlainViT', **VIT)).patch_embed.projection.bias is not None
    assert MODELS.build(dict(type='VisionTransformer', **VIT)).patch_embed.projection.bias is None


def test_stochastic_depth_falls_on_attention_and_mlp_alike():
    trunk = MODELS.build(dict(type='PlainViT', drop_path_rate=0.2, **VIT))
    for layer, rate in zip(trunk.layers, (0., 0.1, 0.2)):
        assert isinstance(layer.attn.dropout_layer, DropPath)
        assert layer.attn.dropout_layer.drop_prob == pytest.approx(rate)
        assert getattr(layer.ffn.dropout_layer, 'drop_prob', 0.) == pytest.approx(rate)
    trunk.layers[2].attn.dropout_layer.drop_prob = trunk.layers[2].ffn.dropout_layer.drop_prob = 1 - 1e-9
    trunk.train()
    x = torch.randn(4, 5, 32)
    assert torch.equal(trunk.layers[2](x), x)  # both branches dropped; the host keeps attention


@pytest.mark.parametrize('cfg', [dict(VIT, type='PlainViT', out_indices=2), dict(MIT, type='MiT')],
                         ids=lambda c: c['type'])
def test_every_parameter_gets_a_gradient_at_an_odd_size(cfg):
    assert silent_parameters(MODELS.build(dict(cfg, drop_path_rate=0.)), torch.randn(2, 3, 65, 97)) == []


def test_eps_of_the_released_mit():
    trunk = MODELS.build(dict(type='MiT', **MIT))
    eps = {name: m.eps for name, m in trunk.named_modules() if isinstance(m, torch.nn.LayerNorm)}
    coarse = {n for n in eps if n.endswith(('0.norm', 'attn.norm'))}
    assert {eps[n] for n in coarse} == {1e-5} and {eps[n] for n in eps.keys() - coarse} == {1e-6}
    assert len(coarse) == 4 + 3


SWIN = dict(type='mmpretrain.SwinTransformer', arch='tiny', out_indices=(0, 1, 2, 3))
SWIN_V2 = dict(type='mmpretrain.SwinTransformerV2', arch='tiny', window_size=4, img_size=256, out_indices=(0, 1, 2, 3))


def stages(trunk, image):
    """Output of the last block of every stage, as maps; and the last level."""
    taps = []
    hooks = [
        stage.blocks[-1].register_forward_hook(
            lambda m, a, out: taps.append(out.transpose(1, 2).reshape(1, -1, *a[1]))) for stage in trunk.stages
    ]
    with torch.no_grad():
        last = trunk(image)[-1]
    for hook in hooks:
        hook.remove()
    return taps, last


@pytest.mark.parametrize('cfg, file, size, compared', [
    (dict(SWIN, pad_small_map=False), 'swin_t_w7', 224, 4),  # as the classification code: no shift where map = window
    (dict(SWIN, pad_small_map=True), 'swin_t_w7', 224, 3),
    (dict(type='SwinTransformer'), 'swin_t_w7', 224, 3),
    (dict(SWIN_V2, pad_small_map=True), 'swinv2_t_w4', 256, 4),
])
def test_parity_of_swin(cfg, file, size, compared):
    data = golden.load(f'modern_{file}')
    trunk, report = converted_trunk(cfg, data, 'model')
    taps, last = stages(trunk, golden.image(size, size))
    for i, tap in enumerate(taps[:compared], 1):
        stored = data[f'stage{i}']
        tap = tap[:, :stored.shape[1], ::tap.shape[2] // stored.shape[2], ::tap.shape[3] // stored.shape[3]]
        golden.assert_parity(tap, stored, 3e-5)
    if compared == 4:
        golden.assert_parity(last[:, ::4], data['output'], 3e-5)
    assert set(report.dropped.values()) == {'tables that the network computes'}
    assert {k for k in report.kept if 'w_msa' not in k} == {
        f'backbone.norm{i}.{t}' for i in range(3) for t in ('weight', 'bias')}


@pytest.mark.parametrize('cfg', [
    dict(SWIN, arch=dict(embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1, 2, 2, 4])),
    dict(SWIN_V2, arch=dict(embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1, 2, 2, 4], extra_norm_every_n_blocks=0))])
def test_swin_takes_small_maps_when_told_to_pad(cfg):
    with pytest.raises(AssertionError, match='pad_small_map=True'):
        MODELS.build(dict(cfg, window_size=7))(torch.randn(1, 3, 137, 203))
    trunk = MODELS.build(dict(cfg, window_size=7, pad_small_map=True, drop_path_rate=0.))
    assert silent_parameters(trunk, torch.randn(1, 3, 137, 203)) == []
