"""StructToken's three heads against the authors' outputs, their sizes and their costs."""
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.references import golden

BASES = Path(__file__).parents[3] / 'configs' / '_base_' / 'models'
HEADS = dict(cse='CrossSliceStructTokenHead', sse='SelfSliceStructTokenHead', pwe='PointwiseStructTokenHead')


def build(kind, size=64, channels=192, classes=11, **options):
    return MODELS.build(
        dict(type=HEADS[kind], in_channels=channels, channels=channels, num_classes=classes, image_size=size,
             **options))


@pytest.mark.parametrize('kind, size', [('cse', 64), ('sse', 64), ('pwe', (128, 192))])
def test_parity_of_a_head(kind, size):
    data, model = golden.load(f'modern_structtoken_{kind}'), nn.Module()
    model.decode_head = build(kind, size)
    model, report = golden.converted(model, data)
    assert not report.dropped
    blocks = []
    for layer in model.decode_head.layers:
        layer.register_forward_hook(lambda m, a, out: blocks.append(out))
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((1, 192, 8, 12)).astype(np.float32))
    with torch.no_grad():
        golden.assert_parity(model.decode_head([x]), data['output'], 1e-4)
    for i in (1, 4):
        golden.assert_parity(blocks[i - 1][0], data[f'kernels{i}'], 1e-4)
        golden.assert_parity(blocks[i - 1][1][:, :16], data[f'features{i}'], 1e-4)


@pytest.mark.parametrize('kind, params', [('cse', (3.40, 8.06, 26.45)), ('sse', (8.41, 19.48, 55.98)),
                                          ('pwe', (6.96, 15.98, 45.74))])
def test_parameters_are_the_authors(kind, params):
    """Millions, 150 classes, crops of 512, D = 192, 384, 768."""
    for channels, expected in zip((192, 384, 768), params):
        with torch.device('meta'):
            head = build(kind, 512, channels, 150)
        assert sum(p.numel() for p in head.parameters()) / 1e6 == pytest.approx(expected, abs=6e-3)


@pytest.mark.parametrize('kind, channels, params, macs', [
    ('pwe', 192, 12.7, 17.3), ('cse', 384, 30.0, 40.2), ('sse', 384, 41.5, 53.7), ('pwe', 384, 38.0, 47.9)])
def test_costs_of_the_networks_are_the_authors(kind, channels, params, macs):
    """Millions of parameters, and GMACs at 512x512."""
    config = Config.fromfile(BASES / 'structtoken_vit-s16.py').model
    config.backbone.update(embed_dims=channels, num_heads=channels // 64)
    config.decode_head.update(type=HEADS[kind], in_channels=channels, channels=channels)
    model = MODELS.build(config).eval().to('meta')
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(params, abs=0.06)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, 3, 512, 512, device='meta'))
    assert counter.get_total_flops() / 2e9 == pytest.approx(macs, abs=0.06)


def conv_map(m, x):
    """1x1, depthwise 3x3, 1x1, a norm over channels after each, GELU between: as matrices on one image."""

    def norm(layer, y):
        y = (y - y.mean(0)) / (y.var(0, unbiased=False) + 1e-6).sqrt()
        return layer.weight[:, None, None] * y + layer.bias[:, None, None]

    def one(conv, y):
        return torch.einsum('oc,chw->ohw', conv.weight[:, :, 0, 0], y) + conv.bias[:, None, None]

    y = F.gelu(norm(m.norm1, one(m.conv1, x)))
    padded, out = F.pad(y, (1, 1, 1, 1)), torch.zeros_like(y)
    for dy in range(3):
        for dx in range(3):
            window = padded[:, dy:dy + y.shape[1], dx:dx + y.shape[2]]
            out += m.conv2.weight[:, 0, dy, dx, None, None] * window
    y = F.gelu(norm(m.norm2, out + m.conv2.bias[:, None, None]))
    return norm(m.norm3, one(m.conv3, y))


def test_slice_attention_is_its_equation():
    """softmax(q_n . k_c / sqrt(hw)) over the channels c of the features, one class n after the other."""
    head = build('cse', 64, channels=6, classes=3).double()
    for p in head.parameters():
        nn.init.normal_(p, std=0.5)
    attend = head.layers[0].cross_attn.eval()
    tokens, features = torch.randn(1, 3, 4, 5).double(), torch.randn(1, 6, 4, 5).double()
    with torch.no_grad():
        query, key, value = (conv_map(m, x[0]) for m, x in ((attend.query_map, tokens), (attend.key_map, features),
                                                             (attend.value_map, features)))
        out = torch.zeros_like(query)
        for n in range(3):
            scores = torch.stack([(query[n] * key[c]).sum() / 20**0.5 for c in range(6)]).softmax(0)
            for c in range(6):
                out[n] += scores[c] * value[c]
        expected = tokens[0] + conv_map(attend.out_project, out)
        torch.testing.assert_close(attend(tokens, features)[0], expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize('grid, corners', [((4, 4), False), ((5, 4), True), ((4, 7), True)])
def test_odd_token_grids_are_resized_with_aligned_corners(grid, corners):
    head = build('pwe', [16 * n for n in grid], channels=8, classes=3)
    expected = F.interpolate(head.kernels, size=(6, 9), mode='bicubic', align_corners=corners)
    assert torch.equal(head.tokens((6, 9)), expected) and head.tokens(grid) is head.kernels


@pytest.mark.parametrize('kind', HEADS)
@pytest.mark.parametrize('size', [(360, 480), (65, 97)])
def test_any_size_trains_and_predicts(kind, size):
    """On a tiny trunk; the last block of CSE has no second FFN, so every parameter gets a gradient."""
    config = Config.fromfile(BASES / 'structtoken_vit-s16.py').model
    config.backbone.update(img_size=(64, 96), embed_dims=16, num_layers=1, num_heads=2, drop_path_rate=0.)
    config.decode_head.update(
        type=HEADS[kind], in_channels=16, channels=8, image_size=(64, 96), num_classes=5, drop_path_rate=0.5)
    model = MODELS.build(config).train()
    model(torch.randn(2, 3, *size)).square().mean().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]
    with torch.no_grad():
        image = torch.randn(2, 3, *size)
        together = model.eval()(image)
        torch.testing.assert_close(model(image[1:]), together[1:], atol=1e-4, rtol=1e-3)
    assert together.shape == (2, 5, -(-size[0] // 16), -(-size[1] // 16))


def test_recomputing_gives_the_same_gradients():
    x, grads = torch.randn(2, 8, 5, 7), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        head = build('cse', 64, channels=8, classes=3, with_cp=with_cp, drop_path_rate=0.).train()
        head([x.clone().requires_grad_()]).square().mean().backward()
        grads.append([p.grad for p in head.parameters()])
    for a, b in zip(*grads):
        torch.testing.assert_close(a, b)


def test_layers_start_as_the_paper_says():
    head = build('sse', 512, channels=64, classes=20)
    head.init_weights()
    assert head.kernels.std().item() == pytest.approx(0.02, rel=0.1)
    conv = head.layers[0].ffn1.dwconv
    assert conv.weight.std().item() == pytest.approx((2 / 36)**0.5, rel=0.1) and not conv.bias.any()
    assert (head.layers[0].ffn1.norm1.weight == 1).all()


def test_a_wrong_width_is_named():
    with pytest.raises(ValueError, match='in_channels=8, got a map with 9 channels'):
        build('pwe', 64, channels=8, classes=3)([torch.randn(1, 9, 4, 4)])
