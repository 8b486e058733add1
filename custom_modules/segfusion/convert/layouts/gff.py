"""GFF on WideResNet-38 (lxtGH/DecoupleSegNets), and the trunk's own weights."""
import re

import torch

from ..engine import Drop, Layout, Rule

SOURCE = 'lxtGH/DecoupleSegNets, commit bedb8e53'


def _block(match: 're.Match') -> str:
    """``modM.blockB.{bn1, convs.conv2, proj_conv, ...}`` counts blocks from one and nests the later layers."""
    module, block, layer, rest = match.groups()
    layer = {'proj_conv': 'shortcut'}.get(layer, layer.replace('convs.', '').replace('bn', 'norm'))
    return f'backbone.mod{module}.{int(block) - 1}.{layer}.{rest}'


def _trunk(norm: str, transform=None):
    """Rules for the trunk; ``norm`` is what stands between a norm's name and its tensors."""
    block = r'mod(\d)\.block(\d+)\.'
    return (
        Rule(r'mod1\.conv1\.(.*)', r'backbone.mod1.\1'),
        Rule(block + rf'((?:convs\.)?bn\d){norm}\.(weight)', _block, transform),
        Rule(block + rf'((?:convs\.)?bn\d){norm}\.(bias|running_mean|running_var|num_batches_tracked)', _block),
        Rule(block + r'(convs\.conv\d|proj_conv)\.(.*)', _block),
    )


def in_place_abn_scale(weight: torch.Tensor) -> torch.Tensor:
    """What the in-place ABN kernels multiply by."""
    return weight.abs() + 1e-5


TRUNK = _trunk(r'\.0')  # the norm is the first of a (norm, act) pair
CONTEXT = (
    Rule(r'aspp\.features\.(\d)\.0\.(.*)', r'decode_head.context.branches.\1.conv.\2'),
    Rule(r'aspp\.features\.(\d)\.1\.(.*)', r'decode_head.context.branches.\1.bn.\2'),
    Rule(r'aspp\.img_conv\.0\.(.*)', r'decode_head.context.image_pool.conv.\1'),
    Rule(r'aspp\.img_conv\.1\.(.*)', r'decode_head.context.image_pool.bn.\1'),
    Rule(r'bot_aspp\.(.*)', r'decode_head.context.bottleneck.conv.\1'),
)


def _numbered(name: str, step: int = 1, first: int = 1):
    """Layers that the authors count ``first, first + step, ...`` and we count 0, 1, ..."""
    return lambda match: f'decode_head.{name.format((int(match[1]) - first) // step)}.{match[2]}'


HEAD = (
    Rule(r'gff_head\.d_in(\d)\.0\.(.*)', _numbered('reduce_convs.{}.conv')),
    Rule(r'gff_head\.d_in(\d)\.1\.(.*)', _numbered('reduce_convs.{}.bn')),
    Rule(r'gff_head\.gate(\d)\.0\.(.*)', _numbered('fusion.gate_convs.{}')),
    Rule(r'gff_head\.dense_([369])\.((?:norm|conv)\d\..*)', _numbered('dense_blocks.{}', 3, 3)),
    Rule(r'gff_head\.cls\.([03])\.(.*)', _numbered('merge_convs.{}.conv', 3, 0)),
    Rule(r'gff_head\.cls\.([14])\.(.*)', _numbered('merge_convs.{}.bn', 3, 1)),
    Rule(r'gff_head\.cls\.6\.(.*)', r'decode_head.conv_seg.\1'),
)
CLASSIFIER = Drop(r'(bn_out|classifier)\..*', 'last norm and classifier of the ImageNet network')
_WIDE = r'mod7\.block1\.proj_conv\.weight'
_OURS = r'backbone\.mod7\.0\.shortcut\.weight'

LAYOUTS = (
    Layout(
        name='gff-wide-resnet38',
        source=SOURCE,
        signature=(_WIDE, r'gff_head\.d_in1\.0\.weight'),
        target_signature=(_OURS, r'decode_head\.fusion\.gate_convs\.0\.weight'),
        rules=(*TRUNK, *CONTEXT, *HEAD)),
    Layout(
        name='wide-resnet38-deeplab',
        source=f'{SOURCE}, network/deepv3.py DeepWV3Plus, and NVIDIA\'s Mapillary and Cityscapes files',
        signature=(_WIDE, r'bot_fine\.weight', r'final\.0\.weight'),
        target_signature=(_OURS, ),
        rules=TRUNK,
        drops=(Drop(r'(aspp|bot_aspp|bot_fine|final)\..*', 'the DeepLabV3+ decoder'), ),
        scope='backbone.'),
    Layout(
        name='imagenet-wide-resnet38',
        source=f'{SOURCE}, the ImageNet file its README links',
        signature=(_WIDE, r'mod2\.block1\.bn1\.0\.weight', r'bn_out\.0\.weight'),
        target_signature=(_OURS, ),
        rules=TRUNK,
        drops=(CLASSIFIER, ),
        scope='backbone.'),
    Layout(
        name='imagenet-wide-resnet38-abn',
        source='mapillary/inplace_abn: the norm and its activation are one layer (use act_cfg=LeakyReLU, slope 0.01)',
        signature=(_WIDE, r'mod2\.block1\.bn1\.weight', r'bn_out\.weight'),
        target_signature=(_OURS, ),
        rules=_trunk('', in_place_abn_scale),
        drops=(CLASSIFIER, ),
        scope='backbone.'),
)
