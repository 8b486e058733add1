"""Files of whole segmentors and of ImageNet networks, besides those that the parity tests read."""
import pytest
import torch
from mmseg.registry import MODELS

from segfusion.convert import LAYOUTS, ConversionError, Keep, Layout, Rule, choose_layout, convert
from segfusion.convert.layouts.swin import merging_weight
from tests.references.transformers import Trunk

STAGES = dict(embed_dims=(8, 16, 32, 64), depths=(1, 1, 1, 1), num_heads=(2, 2, 4, 8), mlp_ratios=(2, 2, 2, 2),
              sr_ratios=(8, 4, 2, 1))
TRUNKS = {
    'pvt': dict(type='PyramidVisionTransformer', arch=STAGES),
    'pvt-v2': dict(type='PyramidVisionTransformerV2', arch=dict(STAGES, linear=True)),
    'shunted': dict(type='ShuntedTransformer', arch=dict(STAGES, num_convs=2)),
}


def with_class_position(state):
    """pos_embed4 as the authors store it."""
    return {k: torch.cat([torch.zeros_like(v[:, :1]), v], dim=1) if k.endswith('pos_embed4') else v
            for k, v in state.items()}


@pytest.mark.parametrize('name', TRUNKS)
def test_imagenet_files_lose_their_classifier(name):
    trunk = Trunk(TRUNKS[name])
    wanted = trunk.state_dict()
    file = with_class_position(trunk.backbone.state_dict())
    file.update({'head.weight': torch.zeros(10, 64), 'head.bias': torch.zeros(10)})
    extra = {'head.weight', 'head.bias'}
    if name == 'pvt':
        file.update({'cls_token': torch.zeros(1, 1, 64), 'norm.weight': torch.ones(64), 'norm.bias': torch.zeros(64)})
        extra |= {'cls_token', 'norm.weight', 'norm.bias'}
    layout = choose_layout(file, wanted, LAYOUTS)
    result, report = convert(file, wanted, layout)
    assert layout.name == f'imagenet-{name}' and set(report.dropped) == extra
    assert all(torch.equal(result[k], v) for k, v in trunk.backbone.state_dict().items())


@pytest.mark.parametrize('name', TRUNKS)
def test_segmentors_of_the_authors_keep_mmsegs_heads(name):
    model = MODELS.build(dict(
        type='EncoderDecoder', backbone=TRUNKS[name],
        neck=dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=8, num_outs=4),
        decode_head=dict(type='FPNHead', in_channels=[8] * 4, in_index=[0, 1, 2, 3], feature_strides=[4, 8, 16, 32],
                         channels=8, num_classes=3)))
    wanted = model.state_dict()
    file = with_class_position(wanted)
    layout = choose_layout(file, wanted, LAYOUTS)
    result, _ = convert(file, wanted, layout)
    assert layout.name == f'{name}-segmentor' and all(torch.equal(result[k], wanted[k]) for k in wanted)


def test_merging_weight_reads_the_same_pixels():
    """The authors stack the pixels of a cell as (0,0), (1,0), (0,1), (1,1); mmseg unfolds channel by channel."""
    cell = torch.randn(3, 2, 2)  # (C, rows, columns)
    theirs = torch.cat([cell[:, 0, 0], cell[:, 1, 0], cell[:, 0, 1], cell[:, 1, 1]])
    ours = torch.nn.functional.unfold(cell[None], 2)[0, :, 0]
    weight = torch.randn(6, 12)
    torch.testing.assert_close(merging_weight(weight) @ ours, weight @ theirs)


SWIN = dict(embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1, 2, 2, 4])


@pytest.mark.parametrize('cfg, layout', [
    (dict(type='mmpretrain.SwinTransformer', arch=SWIN, out_indices=(0, 1, 2, 3)), 'swin-v1-segmentor'),
    (dict(type='mmpretrain.SwinTransformerV2', arch=dict(SWIN, extra_norm_every_n_blocks=0), out_indices=(0, 1, 2, 3)),
     'swin-v2-segmentor')])
def test_segmentors_on_swin(cfg, layout):
    """The authors' names made of ours; merging layers are checked above, and by the stored outputs."""
    model = MODELS.build(dict(
        type='EncoderDecoder', backbone=cfg,
        decode_head=dict(type='FCNHead', in_channels=64, in_index=3, channels=8, num_classes=3)))
    wanted, file = model.state_dict(), {}
    for key, value in wanted.items():
        key = key.replace('.projection.', '.proj.') if 'patch_embed' in key else key
        key = key.replace('stages', 'layers').replace('attn.w_msa', 'attn')
        key = key.replace('ffn.layers.0.0', 'mlp.fc1').replace('ffn.layers.1', 'mlp.fc2')
        if 'downsample' in key and 'v2' in layout:
            stage = int(key.split('.')[2])
            key = key.replace(f'layers.{stage}', f'layers.{stage - 1}')
        file[key] = value
    chosen = choose_layout(file, wanted, LAYOUTS)
    result, report = convert(file, wanted, chosen)
    assert chosen.name == layout and set(result) == set(wanted)
    same = [k for k in wanted if 'downsample' not in k]
    assert all(torch.equal(result[k], wanted[k]) for k in same)
    assert all('relative_' in k for k in report.dropped) and all('relative_' in k for k in report.kept)


def test_mit_files_fit_mit_and_the_same_pyramid():
    """The authors' ImageNet file fills mmseg's names, and our PVT v2 with MiT's ratios; both give the same levels."""
    same = Trunk(dict(type='PyramidVisionTransformerV2', arch=dict(
        STAGES, num_heads=(1, 2, 4, 8), mlp_ratios=(4, 4, 4, 4), linear=False))).eval()
    mit = Trunk(dict(type='MiT', embed_dims=8, num_layers=[1] * 4, num_heads=[1, 2, 4, 8], patch_sizes=[7, 3, 3, 3],
                     sr_ratios=[8, 4, 2, 1])).eval()
    file = dict(same.backbone.state_dict(), **{'head.weight': torch.zeros(10, 64), 'head.bias': torch.zeros(10)})
    wanted = mit.state_dict()
    layout = choose_layout(file, wanted, LAYOUTS)
    result, _ = convert(file, wanted, layout)
    mit.backbone.load_state_dict(result)
    assert layout.name == 'imagenet-mit'
    assert choose_layout(file, same.state_dict(), LAYOUTS).name == 'imagenet-pvt-v2'
    image = torch.randn(1, 3, 65, 97)
    with torch.no_grad():
        for a, b in zip(mit.backbone(image), same.backbone(image), strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_what_is_kept_is_said_and_nothing_else_may_be_missing():
    target = {'a': torch.ones(2), 'table': torch.arange(3.), 'b': torch.ones(1)}
    layout = Layout('x', '', (), (Rule('a', 'a'), Rule('b', 'b')), keeps=(Keep('table', 'computed'), ))
    result, report = convert({'a': torch.zeros(2), 'b': torch.zeros(1)}, target, layout)
    assert report.kept == {'table': 'computed'} and torch.equal(result['table'], target['table'])
    assert '  not in the file, kept as built 1: computed (table)' in report.lines()
    with pytest.raises(ConversionError, match='nothing in the file fills b'):
        convert({'a': torch.zeros(2)}, target, layout)


def test_only_the_number_of_tokens_may_differ_where_the_model_resizes():
    layout = Layout('x', '', (), (Rule('p', 'p', resized_on_load=True), ))
    target = {'p': torch.zeros(1, 5, 4)}
    assert convert({'p': torch.zeros(1, 9, 4)}, target, layout)[0]['p'].shape == (1, 9, 4)
    with pytest.raises(ConversionError, match=r'shape \(1, 9, 3\), p expects \(1, 5, 4\)'):
        convert({'p': torch.zeros(1, 9, 3)}, target, layout)
