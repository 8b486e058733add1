"""SFNet and SFNet-Lite, on ResNet and STDC (lxtGH/SFSegNets)."""
import torch

from ..engine import Drop, Layout, Rule
from .deep_stem_resnet import backbone_rules

SOURCE = 'lxtGH/SFSegNets, commit ba475baf'
STDC_BLOCKS = {(2, 2, 2): 'STDC1', (4, 5, 3): 'STDC2'}


def input_first(weight: torch.Tensor) -> torch.Tensor:
    """The authors concatenate [pooled..., input] before the bottleneck, we concatenate [input, pooled...]."""
    pooled = weight.shape[0] * _pool_scales(weight)
    return torch.cat([weight[:, pooled:], weight[:, :pooled]], dim=1)


def _pool_scales(weight: torch.Tensor) -> int:
    # Both networks pool at four scales, each giving as many channels as the bottleneck.
    if weight.shape[1] <= 4 * weight.shape[0]:
        raise ValueError(f'expected a pyramid pooling bottleneck over the input and four scales, got weight '
                         f'{tuple(weight.shape)}')
    return 4


# Pyramid pooling (ppm) and its summed form (sppm), whose bottleneck sees no concatenation.
CONTEXT = (
    Rule(r'head\.ppm\.stages\.(\d)\.1\.(.*)', r'decode_head.context.pools.\1.conv.\2'),
    Rule(r'head\.ppm\.stages\.(\d)\.2\.(.*)', r'decode_head.context.pools.\1.bn.\2'),
    Rule(r'head\.ppm\.down\.0\.(.*)', r'decode_head.context.reduce.conv.\1'),
    Rule(r'head\.ppm\.down\.1\.(.*)', r'decode_head.context.reduce.bn.\1'),
    Rule(
        r'head\.ppm\.bottleneck\.0\.weight',
        'decode_head.context.bottleneck.conv.weight',
        transform=lambda w: w if w.shape[0] == w.shape[1] else input_first(w)),
    Rule(r'head\.ppm\.bottleneck\.1\.(.*)', r'decode_head.context.bottleneck.bn.\1'),
)
HEAD = (
    *CONTEXT,
    Rule(r'head\.fpn_in\.(\d)\.0\.(.*)', r'decode_head.lateral_convs.\1.conv.\2'),
    Rule(r'head\.fpn_in\.(\d)\.1\.(.*)', r'decode_head.lateral_convs.\1.bn.\2'),
    Rule(r'head\.fpn_out_align\.(\d)\.down_h\.(.*)', r'decode_head.aligns.\1.coarse_reduce.\2'),
    Rule(r'head\.fpn_out_align\.(\d)\.down_l\.(.*)', r'decode_head.aligns.\1.fine_reduce.\2'),
    Rule(r'head\.fpn_out_align\.(\d)\.flow_make\.(.*)', r'decode_head.aligns.\1.flow_conv.\2'),
    Rule(r'head\.fpn_out\.(\d)\.0\.0\.(.*)', r'decode_head.fpn_convs.\1.conv.\2'),
    Rule(r'head\.fpn_out\.(\d)\.0\.1\.(.*)', r'decode_head.fpn_convs.\1.bn.\2'),
    Rule(r'head\.conv_last\.0\.0\.(.*)', r'decode_head.fpn_bottleneck.conv.\1'),
    Rule(r'head\.conv_last\.0\.1\.(.*)', r'decode_head.fpn_bottleneck.bn.\1'),
    Rule(r'head\.conv_last\.1\.(.*)', r'decode_head.conv_seg.\1'),
)
DSN = (
    Rule(r'head\.dsn\.(\d)\.0\.(.*)', r'auxiliary_head.\1.conv.conv.\2'),
    Rule(r'head\.dsn\.(\d)\.1\.(.*)', r'auxiliary_head.\1.conv.bn.\2'),
    Rule(r'head\.dsn\.(\d)\.4\.(.*)', r'auxiliary_head.\1.conv_seg.\2'),
)
LITE_HEAD = (
    *CONTEXT,
    Rule(r'head\.fpn_in\.0\.0\.(.*)', r'decode_head.fine_lateral.conv.\1'),
    Rule(r'head\.fpn_in\.0\.1\.(.*)', r'decode_head.fine_lateral.bn.\1'),
    Rule(r'head\.fpn_in\.1\.0\.(.*)', r'decode_head.middle_lateral.conv.\1'),
    Rule(r'head\.fpn_in\.1\.1\.(.*)', r'decode_head.middle_lateral.bn.\1'),
    Rule(r'head\.flow_align_module\.down_h\.(.*)', r'decode_head.fusion.coarse_reduce.\1'),
    Rule(r'head\.flow_align_module\.down_l\.(.*)', r'decode_head.fusion.fine_reduce.\1'),
    Rule(r'head\.flow_align_module\.flow_make\.(.*)', r'decode_head.fusion.flow_conv.\1'),
    Rule(r'head\.flow_align_module\.flow_gate\.0\.(.*)', r'decode_head.fusion.gate_conv.\1'),
    Rule(r'head\.conv_last\.0\.0\.(.*)', r'decode_head.bottleneck.conv.\1'),
    Rule(r'head\.conv_last\.0\.1\.(.*)', r'decode_head.bottleneck.bn.\1'),
    Rule(r'head\.conv_last\.1\.(.*)', r'decode_head.conv_seg.\1'),
)
LITE_DROPS = (
    Drop(r'head\.dsn\..*', 'deep supervision that the released forward never reaches'),
    Drop(r'head\.fpn_in\.2\..*', 'a third lateral that the released forward never reaches'),
)
NO_DSN = (Drop(r'head\.dsn\..*', 'deep supervision, which this config does not have'), )
STDC_DROPS = (
    Drop(r'backbone\.(x2|x4|x8|x16|x32)\..*', 'second copy of backbone.features'),
    Drop(r'backbone\.(conv_last|fc|bn|linear)\..*', 'ImageNet classifier'),
)


def stdc_state(state):
    """Check the second copy of every backbone tensor, and name the flat list of blocks by stage."""
    blocks = sorted({int(k.split('.')[2]) for k in state if k.startswith('backbone.features.')})
    per_stage = {8: (2, 2, 2), 14: (4, 5, 3)}.get(len(blocks))
    if per_stage is None:
        raise ValueError(f'expected the 8 or 14 entries of STDC1 or STDC2 in backbone.features, got {len(blocks)}')
    place = {0: '0', 1: '1'}
    for stage, count in enumerate(per_stage):
        for block in range(count):
            place[len(place)] = f'{stage + 2}.{block}'
    renamed = {}
    for key, value in state.items():
        if key.startswith('backbone.features.'):
            _, _, index, rest = key.split('.', 3)
            key = f'stage.{place[int(index)]}.{rest}'
        renamed[key] = value
    return renamed


STDC = (
    Rule(r'stage\.([01])\.(conv|bn)\.(.*)', r'backbone.stages.\1.\2.\3'),
    Rule(r'stage\.(\d)\.(\d)\.conv_list\.(\d)\.(conv|bn)\.(.*)', r'backbone.stages.\1.\2.layers.\3.\4.\5'),
    Rule(r'stage\.(\d)\.(\d)\.avd_layer\.0\.(.*)', r'backbone.stages.\1.\2.downsample.conv.\3'),
    Rule(r'stage\.(\d)\.(\d)\.avd_layer\.1\.(.*)', r'backbone.stages.\1.\2.downsample.bn.\3'),
)
RESNET = backbone_rules(r'layer0\.0', r'layer0\.1')


def _layouts():
    trunks = (('resnet', r'layer0\.0\.0\.weight', RESNET, (), None),
              ('stdc', r'backbone\.features\.0\.conv\.weight', STDC, STDC_DROPS, stdc_state))
    for trunk, mark, rules, drops, prepare in trunks:
        plain = dict(source=SOURCE, prepare=prepare)
        yield Layout(
            name=f'sfnet-{trunk}',
            signature=(mark, r'head\.fpn_out_align\.0\.flow_make\.weight'),
            target_signature=(r'decode_head\.aligns\.0\.flow_conv\.weight', ),
            target_absent=(r'auxiliary_head\..*', ),
            rules=(*rules, *HEAD),
            drops=(*drops, *NO_DSN),
            **plain)
        yield Layout(
            name=f'sfnet-{trunk}-dsn',
            signature=(mark, r'head\.fpn_out_align\.0\.flow_make\.weight'),
            target_signature=(r'decode_head\.aligns\.0\.flow_conv\.weight', r'auxiliary_head\.0\.conv_seg\.weight'),
            rules=(*rules, *HEAD, *DSN),
            drops=drops,
            **plain)
        yield Layout(
            name=f'sfnet-lite-{trunk}',
            signature=(mark, r'head\.flow_align_module\.flow_make\.weight'),
            target_signature=(r'decode_head\.fusion\.flow_conv\.weight', ),
            rules=(*rules, *LITE_HEAD),
            drops=(*drops, *LITE_DROPS),
            **plain)


LAYOUTS = tuple(_layouts())
