"""SETR, Segmenter and SegFormer as released: the authors' outputs through the converter, costs, odd sizes."""
import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from segfusion.convert import LAYOUTS, ConversionError, choose_layout, convert
from segfusion.diagnosis.cost import build_segmentor
from tests.references import golden
from tests.references.samples import batch

CONFIGS = Path(__file__).parents[3] / 'configs'
# The stored networks are small; everything else is the config's.
VIT_T = {'embed_dims': 192, 'num_layers': 12, 'num_heads': 3}
SETR = dict(VIT_T, img_size=(96, 96))
SMALL = {
    'setr_pup': ('setr/setr_vit-l_pup_8xb1-80k_cityscapes-768x768', {
        'backbone': dict(SETR, out_indices=(4, 7, 9, 11)), 'decode_head.in_channels': 192, 'auxiliary_head': None}),
    'setr_mla': ('setr/setr_vit-l_mla_8xb1-80k_cityscapes-768x768', {
        'backbone': dict(SETR, out_indices=(2, 5, 8, 11)), 'neck.in_channels': [192] * 4, 'auxiliary_head': None}),
    'segmenter_vit_t_mask': ('segmenter/segmenter_vit-t_mask_8xb1-160k_ade20k-512x512', {
        'backbone.img_size': (128, 192), 'decode_head.num_classes': 19}),
    'segformer_b0': ('segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024', {}),
}


def build(name, options):
    config = Config.fromfile(CONFIGS / f'{name}.py')
    config.model.test_cfg = dict(mode='whole')
    config.model.data_preprocessor.pop('size')
    return build_segmentor(config, {f'model.{k}': v for k, v in options.items()})


@pytest.fixture(scope='module')
def released():
    """name -> (network with the reference's weights, report, stored arrays), made once."""
    made = {}

    def get(name):
        if name not in made:
            data = golden.load(f'modern_{name}')
            made[name] = (*golden.converted(build(*SMALL[name]), data, wrap=name != 'segmenter_vit_t_mask'), data)
        return made[name]

    return get


@pytest.mark.parametrize('name', ['setr_pup', 'setr_mla'])
def test_parity_of_setr(released, name):
    model, report, data = released(name)
    with torch.no_grad():
        features = model.extract_feat(golden.image(96, 96))
        logits = F.interpolate(model.decode_head(features), (96, 96), mode='bilinear', align_corners=False)
    golden.assert_parity(logits[..., ::3, ::3], data['output'], 3e-5)
    if name == 'setr_pup':
        golden.assert_parity(features[-1][:, :32], data['encoded'], 3e-5)
    else:
        for level, tap in zip(features, ('mla_p5', 'mla_p4', 'mla_p3', 'mla_p2')):
            golden.assert_parity(level[:, :16], data[tap], 3e-5)
    assert set(report.dropped) == {'decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'}


def test_parity_of_segmenter(released):
    model, report, data = released('segmenter_vit_t_mask')
    with torch.no_grad():
        features = model.extract_feat(golden.image(128, 192))
        golden.assert_parity(features[0][:, :32], data['encoded'], 3e-5)
        golden.assert_parity(model.decode_head(features), data['output'], 3e-5)
    assert set(report.dropped) == {'encoder.head.weight', 'encoder.head.bias'}


def test_parity_of_segformer(released):
    model, report, data = released('segformer_b0')
    with torch.no_grad():
        features = model.extract_feat(golden.image(128, 192))
        golden.assert_parity(model.decode_head(features), data['output'], 3e-5)
    for i, level in enumerate(features, 1):
        golden.assert_parity(level[:, :data[f'level{i}'].shape[1]], data[f'level{i}'], 3e-5)
    assert set(report.dropped) == {'decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'}


def test_the_hosts_segformer_head_is_refused(released):
    """Its levels pass norms and ReLUs: a released file cannot fill it."""
    name, options = SMALL['segformer_b0']
    stock = build(name, {'decode_head.type': 'SegformerHead'}).state_dict()
    state = golden.reference_state(golden.load('modern_segformer_b0'))
    with pytest.raises(ConversionError, match="Use type='SegformerMLPHead'"):
        convert(state, stock, choose_layout(state, stock, LAYOUTS))


def renamed_back(model, head):
    """A file of the authors' for SETR's naive or Segmenter's linear decoder: our weights under their names."""
    names = {'ln1': 'norm1', 'ln2': 'norm2', 'attn.attn.in_proj_': 'attn.qkv.', 'attn.attn.out_proj': 'attn.proj',
             'ffn.layers.0.0': 'mlp.fc1', 'ffn.layers.1': 'mlp.fc2'}
    state = {}
    for key, value in model.state_dict().items():
        if key.startswith('backbone.layers.'):
            _, _, i, rest = key.split('.', 3)
            old = next(k for k in names if rest.startswith(k))
            key = f'backbone.blocks.{i}.{rest.replace(old, names[old], 1)}'
        state[head(key).replace('patch_embed.projection', 'patch_embed.proj')] = value.clone()
    return state


def test_setr_naive_converts_and_keeps_its_heads():
    model = build('setr/setr_vit-t_naive_1xb8-20k_camvid-352x480', {
        'backbone.num_layers': 2, 'backbone.out_indices': (0, 0, 1, 1), 'backbone.embed_dims': 24})
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -1, 1)

    def theirs(key):
        return key.replace('up_convs.0.0.conv.', 'conv_0.').replace('up_convs.0.0.bn.', 'syncbn_fc_0.').replace(
            'conv_seg.', 'conv_1.')

    state = renamed_back(model, theirs)
    for key in [k for k in state if k.endswith('conv_0.weight')]:  # their first convolution has a bias
        bias = torch.randn(256)
        state[key.replace('weight', 'bias')] = bias
        state[key.replace('conv_0.weight', 'syncbn_fc_0.running_mean')] += bias
    wanted = model.state_dict()
    layout = choose_layout(state, wanted, LAYOUTS)
    result, report = convert(state, wanted, layout)
    assert layout.name == 'setr-up-aux' and not report.dropped
    for key, value in wanted.items():
        torch.testing.assert_close(result[key], value, atol=1e-6, rtol=1e-6)


def test_segmenter_linear_converts():
    model = build('segmenter/segmenter_vit-t_fcn_1xb8-20k_camvid-352x480', {'backbone.num_layers': 2})
    state = renamed_back(model, lambda key: key.replace('decode_head.conv_seg', 'decoder.head').replace(
        'backbone.ln1', 'encoder.norm').replace('backbone.', 'encoder.'))
    state['decoder.head.weight'] = state['decoder.head.weight'][:, :, 0, 0]
    wanted = model.state_dict()
    layout = choose_layout(state, wanted, LAYOUTS)
    result, _ = convert(state, wanted, layout)
    assert layout.name == 'segmenter-linear' and all(torch.equal(result[k], wanted[k]) for k in wanted)


def test_imagenet_files_of_vits_keep_their_grid_and_lose_the_second_token():
    """Distilled DeiT: class, distillation and 14x14 positions; ours has another grid and resizes when it loads."""
    model = build('vit/vit_vit-t16_mln_upernet_1xb8-20k_camvid-352x480', {
        'backbone.num_layers': 2, 'backbone.out_indices': (0, 0, 1, 1)})
    file = {k[len('backbone.'):]: v for k, v in renamed_back(model, lambda key: key).items()
            if k.startswith('backbone.')}
    file.update(pos_embed=torch.randn(1, 198, 192), dist_token=torch.zeros(1, 1, 192), **{
        'norm.weight': torch.ones(192), 'norm.bias': torch.zeros(192), 'head.weight': torch.zeros(1000, 192),
        'head.bias': torch.zeros(1000), 'head_dist.weight': torch.zeros(1000, 192),
        'head_dist.bias': torch.zeros(1000)})
    wanted = model.state_dict()
    layout = choose_layout(file, wanted, LAYOUTS)
    result, report = convert(file, wanted, layout)
    assert layout.name == 'imagenet-vit' and result['pos_embed'].shape == (1, 197, 192)
    assert torch.equal(result['pos_embed'][:, 0], file['pos_embed'][:, 0])
    assert torch.equal(result['pos_embed'][:, 1:], file['pos_embed'][:, 2:])
    assert {'final norm, which this config does not have', 'ImageNet classifier'} == set(report.dropped.values())


@pytest.mark.parametrize('name, params, macs', [
    ('segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512', 3.75, None),
    ('segmenter/segmenter_vit-t_mask_8xb1-160k_ade20k-512x512', 6.71, 12.6),
    ('segmenter/segmenter_vit-s_mask_8xb1-160k_ade20k-512x512', 26.03, 38.4),
    ('segmenter/segmenter_vit-s_fcn_8xb1-160k_ade20k-512x512', 22.04, 31.8),
    ('swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512', 59.94, 236.9),
])
def test_costs_are_the_published_ones(name, params, macs):
    """Millions of parameters with auxiliary heads, GMACs at 512x512."""
    model = build(name, {}).to('meta')
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(params, abs=6e-3)
    if macs:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.empty(1, 3, 512, 512, device='meta'))
        assert counter.get_total_flops() / 2e9 == pytest.approx(macs, abs=0.06)


def test_padding_is_cropped_off_and_not_stretched():
    """360x480 is padded to 368x480; a map that knows its row comes back with its row."""
    model = build('segmenter/segmenter_vit-t_fcn_1xb8-20k_camvid-352x480', {'backbone.num_layers': 1})

    def rows(head, features):
        n, _, h, w = features[0].shape
        return torch.linspace(0.5, h - 0.5, h).view(1, 1, h, 1).expand(n, head.num_classes, h, w) * 16

    model.decode_head.forward = lambda features: rows(model.decode_head, features)
    with torch.no_grad():
        logits = model.test_step(batch(11, n=1, size=(360, 480)))[0].seg_logits.data[0]
    assert logits.shape == (360, 480)
    expected = torch.arange(360) + 0.5  # the middle of every row, in pixels
    torch.testing.assert_close(logits[8:, 240], expected[8:], atol=1e-3, rtol=0)
    stretched = copy.deepcopy(model)
    stretched.data_preprocessor.test_cfg = None
    stretched.decode_head.forward = lambda features: rows(stretched.decode_head, features)
    with torch.no_grad():
        logits = stretched.test_step(batch(11, n=1, size=(360, 480)))[0].seg_logits.data[0]
    assert (logits[:, 240] - expected).abs().max() > 7  # what the host does by default


def test_released_mla_head_classifies_by_three_and_aligns_corners():
    head = MODELS.build(dict(
        type='ReleasedSETRMLAHead', in_channels=[4] * 4, in_index=[0, 1, 2, 3], channels=8, mla_channels=2,
        num_classes=3, align_corners=False, norm_cfg=dict(type='BN'), dropout_ratio=0)).eval()
    maps = [torch.randn(1, 4, 5, 7) for _ in range(4)]
    with torch.no_grad():
        branches = [F.interpolate(branch[:2](x), (20, 28), mode='bilinear', align_corners=True)
                    for branch, x in zip(head.up_convs, maps)]
        weight, bias = head.conv_seg.weight, head.conv_seg.bias
        torch.testing.assert_close(head(maps), F.conv2d(torch.cat(branches, 1), weight, bias, padding=1))
    assert weight.shape == (3, 8, 3, 3)
