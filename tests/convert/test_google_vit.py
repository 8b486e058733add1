"""Google's .npz files of vision transformers: names, shapes, positions."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.registry import MODELS
from scipy import ndimage

from segfusion.convert import ConversionError, convert_file
from segfusion.models.backbones import HybridVisionTransformer

DIM, HEADS, MLP, DEPTH = 12, 3, 24, 2


def layer_arrays(rng):
    arrays = {}
    for i in range(DEPTH):
        root = f'Transformer/encoderblock_{i}'
        attention = f'{root}/MultiHeadDotProductAttention_1'
        for part in ('query', 'key', 'value'):
            arrays[f'{attention}/{part}/kernel'] = rng.standard_normal((DIM, HEADS, DIM // HEADS))
            arrays[f'{attention}/{part}/bias'] = rng.standard_normal((HEADS, DIM // HEADS))
        arrays[f'{attention}/out/kernel'] = rng.standard_normal((HEADS, DIM // HEADS, DIM))
        arrays[f'{attention}/out/bias'] = rng.standard_normal(DIM)
        for j, (a, b) in enumerate(((DIM, MLP), (MLP, DIM))):
            arrays[f'{root}/MlpBlock_3/Dense_{j}/kernel'] = rng.standard_normal((a, b))
            arrays[f'{root}/MlpBlock_3/Dense_{j}/bias'] = rng.standard_normal(b)
        for name in ('LayerNorm_0', 'LayerNorm_2'):
            arrays[f'{root}/{name}/scale'] = rng.uniform(0.5, 1.5, DIM)
            arrays[f'{root}/{name}/bias'] = rng.standard_normal(DIM)
    return arrays


def file_arrays(grid=4, trunk=True):
    """What a file holds, tiny: a ResNet of one unit a block if ``trunk``, else patches of 16 pixels."""
    rng = np.random.default_rng(0)
    arrays = layer_arrays(rng)
    arrays['Transformer/encoder_norm/scale'] = rng.uniform(0.5, 1.5, DIM)
    arrays['Transformer/encoder_norm/bias'] = rng.standard_normal(DIM)
    arrays['Transformer/posembed_input/pos_embedding'] = rng.standard_normal((1, grid * grid + 1, DIM))
    arrays['cls'] = rng.standard_normal((1, 1, DIM))
    arrays['head/kernel'], arrays['head/bias'] = rng.standard_normal((DIM, 7)), rng.standard_normal(7)
    arrays['pre_logits/kernel'] = rng.standard_normal((DIM, DIM))
    arrays['embedding/kernel'] = rng.standard_normal((1, 1, 128, DIM) if trunk else (16, 16, 3, DIM))
    arrays['embedding/bias'] = rng.standard_normal(DIM)
    if trunk:
        arrays['conv_root/kernel'] = rng.standard_normal((7, 7, 3, 8))
        norms, before = {'gn_root': 8}, 8
        for b in range(3):
            inner, root = 8 << b, f'block{b + 1}/unit1'
            for j, (k, a, c) in enumerate(((1, before, inner), (3, inner, inner), (1, inner, 4 * inner)), 1):
                arrays[f'{root}/conv{j}/kernel'] = rng.standard_normal((k, k, a, c))
                norms[f'{root}/gn{j}'] = c
            arrays[f'{root}/conv_proj/kernel'] = rng.standard_normal((1, 1, before, 4 * inner))
            norms[f'{root}/gn_proj'] = before = 4 * inner
        for name, c in norms.items():
            arrays[f'{name}/scale'] = rng.uniform(0.5, 1.5, (1, 1, 1, c))
            arrays[f'{name}/bias'] = rng.standard_normal((1, 1, 1, c))
    return {k: v.astype(np.float32) for k, v in arrays.items()}


def config(tmp_path, backbone):
    head = dict(type='FCNHead', in_channels=DIM, in_index=-1, channels=4, num_convs=1, num_classes=3)
    path = tmp_path / 'config.py'
    Config(dict(model=dict(type='EncoderDecoder', backbone=backbone, decode_head=head))).dump(path)
    return str(path)


HYBRID = dict(
    type='HybridVisionTransformer', img_size=64, base_channels=8, stage_blocks=(1, 1, 1), embed_dims=DIM,
    num_layers=DEPTH, num_heads=HEADS, mlp_ratio=2, norm_cfg=dict(type='GN', num_groups=2, eps=1e-6))
PLAIN = dict(
    type='PlainViT', img_size=64, embed_dims=DIM, num_layers=DEPTH, num_heads=HEADS,
    mlp_ratio=2, norm_cfg=dict(type='LN', eps=1e-6))


def converted(tmp_path, arrays, backbone, load=True):
    source, target = tmp_path / 'google.npz', tmp_path / 'ours.pth'
    np.savez(source, **arrays)
    report = convert_file(config(tmp_path, backbone), str(source), str(target), overwrite=True)
    net = MODELS.build(backbone)
    saved = torch.load(target, weights_only=True)
    if load:
        net.load_state_dict(saved['state_dict'])
    net.double().eval()  # mmseg's returns None
    return net, report, saved['meta']['layout']


def transformer(x, arrays):
    """The equations on the arrays as they are stored: tokens (n, D), heads by their own axis."""

    def norm(x, name):
        y = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-6)
        return y * arrays[f'{name}/scale'] + arrays[f'{name}/bias']

    for i in range(DEPTH):
        root = f'Transformer/encoderblock_{i}'
        attention = f'{root}/MultiHeadDotProductAttention_1'
        y = norm(x, f'{root}/LayerNorm_0')
        q, k, v = (np.einsum('nd,dhe->hne', y, arrays[f'{attention}/{part}/kernel']) +
                   arrays[f'{attention}/{part}/bias'][:, None] for part in ('query', 'key', 'value'))
        scores = np.exp(np.einsum('hne,hme->hnm', q, k) / np.sqrt(DIM // HEADS))
        y = np.einsum('hnm,hme->hne', scores / scores.sum(2, keepdims=True), v)
        x = x + np.einsum('hne,hed->nd', y, arrays[f'{attention}/out/kernel']) + arrays[f'{attention}/out/bias']
        y = norm(x, f'{root}/LayerNorm_2')
        y = y @ arrays[f'{root}/MlpBlock_3/Dense_0/kernel'] + arrays[f'{root}/MlpBlock_3/Dense_0/bias']
        y = torch.nn.functional.gelu(torch.from_numpy(y)).numpy()
        x = x + y @ arrays[f'{root}/MlpBlock_3/Dense_1/kernel'] + arrays[f'{root}/MlpBlock_3/Dense_1/bias']
    return norm(x, 'Transformer/encoder_norm')


def as_double(arrays):
    return {k: v.astype(np.float64) for k, v in arrays.items()}


def test_a_plain_file_computes_what_it_stores(tmp_path):
    arrays = file_arrays(trunk=False)
    net, report, layout = converted(tmp_path, arrays, {**PLAIN, 'final_norm': True})
    assert layout == 'google-vit-final-norm'
    assert set(report.dropped) == {'head/kernel', 'head/bias', 'pre_logits/kernel'}
    arrays, image = as_double(arrays), np.random.default_rng(1).standard_normal((3, 64, 64))
    patches = image.reshape(3, 4, 16, 4, 16).transpose(1, 3, 2, 4, 0)  # row, column, y, x, colour
    tokens = np.einsum('rcyxi,yxid->rcd', patches, arrays['embedding/kernel']).reshape(16, DIM)
    tokens = np.concatenate([arrays['cls'][0], tokens + arrays['embedding/bias']])
    expected = transformer(tokens + arrays['Transformer/posembed_input/pos_embedding'][0], arrays)[1:]
    with torch.no_grad():
        got = net(torch.from_numpy(image)[None])[0]
    np.testing.assert_allclose(got[0].flatten(1).t().numpy(), expected, atol=1e-8)


def test_a_network_without_a_final_norm_drops_it(tmp_path):
    _, report, layout = converted(tmp_path, file_arrays(trunk=False), PLAIN)
    assert layout == 'google-vit' and 'Transformer/encoder_norm/scale' in report.dropped


def test_a_hybrid_file_computes_what_it_stores(tmp_path):
    """The trunk against torch's own layers on the stored kernels, the transformer against its equations."""
    arrays = file_arrays()
    net, report, layout = converted(tmp_path, arrays, HYBRID)
    assert layout == 'google-hybrid-vit' and 'cls' in report.dropped
    arrays, image = as_double(arrays), torch.from_numpy(np.random.default_rng(1).standard_normal((1, 3, 64, 64)))

    def conv(x, name, **options):
        w = arrays[f'{name}/kernel']
        w = (w - w.mean((0, 1, 2))) / np.sqrt(w.var((0, 1, 2)) + 1e-5)
        return torch.nn.functional.conv2d(x, torch.from_numpy(w).permute(3, 2, 0, 1), **options)

    def norm(x, name, groups=2, eps=1e-6):
        scale, bias = (torch.from_numpy(arrays[f'{name}/{leaf}'].ravel()) for leaf in ('scale', 'bias'))
        return torch.nn.functional.group_norm(x, groups, scale, bias, eps)

    x = norm(conv(image, 'conv_root', stride=2, padding=3), 'gn_root').relu()
    x = torch.nn.functional.max_pool2d(x, 3, 2)
    for b in (1, 2, 3):
        root, stride = f'block{b}/unit1', 1 if b == 1 else 2
        y = norm(conv(x, f'{root}/conv1'), f'{root}/gn1').relu()
        y = norm(conv(y, f'{root}/conv2', stride=stride, padding=1), f'{root}/gn2').relu()
        y = norm(conv(y, f'{root}/conv3'), f'{root}/gn3')
        short = conv(x, f'{root}/conv_proj', stride=stride)
        x = (y + norm(short, f'{root}/gn_proj', short.shape[1], 1e-5)).relu()
    tokens = x[0].flatten(1).t().numpy() @ arrays['embedding/kernel'][0, 0] + arrays['embedding/bias']
    expected = transformer(tokens + arrays['Transformer/posembed_input/pos_embedding'][0, 1:], arrays)
    with torch.no_grad():
        got = net(image)[-1]
    np.testing.assert_allclose(got[0].flatten(1).t().numpy(), expected, atol=1e-7)


def test_a_plain_file_fills_a_hybrid_without_trunk(tmp_path):
    plain, _, _ = converted(tmp_path, file_arrays(trunk=False), {**PLAIN, 'final_norm': True})
    ours, _, _ = converted(tmp_path, file_arrays(trunk=False), {**HYBRID, 'stage_blocks': ()})
    assert isinstance(ours, HybridVisionTransformer)
    assert torch.equal(ours.patch_embed.weight, plain.patch_embed.projection.weight)
    assert torch.equal(ours.layers[1].attn.attn.in_proj_weight, plain.layers[1].attn.attn.in_proj_weight)


@pytest.mark.parametrize('size', [(64, 64), (96, 96), (32, 32), (48, 80)])
def test_positions_are_zoomed_as_released(tmp_path, size):
    """scipy's zoom of order 1, corners aligned; any grid, since ours is a map."""
    arrays = file_arrays()
    net, _, _ = converted(tmp_path, arrays, {**HYBRID, 'img_size': size})
    stored = arrays['Transformer/posembed_input/pos_embedding'][0, 1:].reshape(4, 4, DIM)
    expected = ndimage.zoom(stored, (size[0] / 64, size[1] / 64, 1), order=1)
    np.testing.assert_allclose(net.pos_embed[0].detach().permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_positions_of_a_plain_vit_are_resized_when_they_are_loaded(tmp_path):
    """By mmseg, which knows the grid of its crops; the file keeps its own."""
    arrays = file_arrays(trunk=False)
    converted(tmp_path, arrays, {**PLAIN, 'img_size': (48, 80)}, load=False)
    net = MODELS.build({**PLAIN, 'img_size': (48, 80), 'init_cfg': dict(
        type='Pretrained', checkpoint=str(tmp_path / 'ours.pth'))})
    net.init_weights()
    stored = torch.from_numpy(arrays['Transformer/posembed_input/pos_embedding'])
    grid = stored[:, 1:].transpose(1, 2).unflatten(2, (4, 4))
    expected = F.interpolate(grid, size=(3, 5), mode='bicubic', align_corners=False).flatten(2).transpose(1, 2)
    torch.testing.assert_close(net.pos_embed.data, torch.cat([stored[:, :1], expected], dim=1))


def test_what_cannot_fit_is_named(tmp_path):
    oblong = file_arrays()
    name = 'Transformer/posembed_input/pos_embedding'
    oblong[name] = oblong[name][:, :-1]
    with pytest.raises(ConversionError, match=r'pos_embedding has shape \(1, 15, 12\), .* expects \(1, 12, 4, 4\)'):
        converted(tmp_path, oblong, HYBRID)
    broken = file_arrays()
    del broken['Transformer/encoderblock_1/MultiHeadDotProductAttention_1/key/bias']
    with pytest.raises(ConversionError, match=r'layer/1/in_proj_bias has shape \(24,\), .* expects \(36,\)'):
        converted(tmp_path, broken, HYBRID)
    path = tmp_path / 'google.npz'
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ConversionError, match='cut off, damaged'):
        convert_file(config(tmp_path, HYBRID), str(path), str(tmp_path / 'new.pth'))
    with pytest.raises(FileNotFoundError):
        convert_file(config(tmp_path, HYBRID), str(tmp_path / 'none.npz'), str(tmp_path / 'new.pth'))
