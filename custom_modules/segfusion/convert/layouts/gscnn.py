"""Gated-SCNN on WideResNet-38, the authors' checkpoints."""
import dataclasses
import re

from ..engine import Drop, Layout, Rule
from .gff import LAYOUTS as GFF
from .gff import TRUNK


def _wrapped(rule: Rule) -> Rule:
    """The same rule for a trunk inside ``WithEdges``."""

    def target(match: 're.Match') -> str:
        return 'backbone.' + (rule.target(match) if callable(rule.target) else match.expand(rule.target))

    return dataclasses.replace(rule, target=target)


def _counted(name: str, first: int = 1):
    """Layers that the authors count from ``first`` and we count from 0."""
    return lambda match: f'decode_head.{name.format(int(match[1]) - first)}.{match[2]}'


_TEXTURES = {'3': 0, '4': 1, '7': 2}
_GATE = {'0': 'norm1', '1': 'conv1', '3': 'conv2', '4': 'norm2'}
_FINAL = {'0': 'merge_convs.0.conv', '1': 'merge_convs.0.bn', '3': 'merge_convs.1.conv', '4': 'merge_convs.1.bn',
          '6': 'conv_seg'}
_PART = {'0': 'conv', '1': 'bn'}

LAYOUTS = (
    Layout(
        name='gscnn-wide-resnet38',
        source='nv-tlabs/GSCNN edd16c5d',
        signature=(r'gate1\._gate_conv\.0\.weight', r'aspp\.edge_conv\.0\.weight', r'mod7\.block1\.proj_conv\.weight'),
        target_signature=(r'decode_head\.gates\.0\.norm1\.weight',
                          r'backbone\.backbone\.mod7\.0\.shortcut\.weight'),
        rules=(
            *(_wrapped(rule) for rule in TRUNK),
            Rule(r'dsn([347])\.(.*)', lambda m: f'decode_head.texture_convs.{_TEXTURES[m[1]]}.{m[2]}'),
            Rule(r'res(\d)\.(.*)', _counted('stream_blocks.{}')),
            Rule(r'd(\d)\.(.*)', _counted('stream_convs.{}')),
            Rule(r'gate(\d)\._gate_conv\.(\d)\.(.*)',
                 lambda m: f'decode_head.gates.{int(m[1]) - 1}.{_GATE[m[2]]}.{m[3]}'),
            Rule(r'gate(\d)\.(weight)', _counted('gates.{}.conv')),
            Rule(r'fuse\.(.*)', r'decode_head.edge_conv.\1'),
            Rule(r'cw\.(.*)', r'decode_head.attention_conv.\1'),
            Rule(r'aspp\.features\.(\d)\.([01])\.(.*)',
                 lambda m: f'decode_head.pyramid.branches.{m[1]}.{_PART[m[2]]}.{m[3]}'),
            Rule(r'aspp\.img_conv\.([01])\.(.*)', lambda m: f'decode_head.pyramid.image_pool.{_PART[m[1]]}.{m[2]}'),
            Rule(r'aspp\.edge_conv\.([01])\.(.*)', lambda m: f'decode_head.pyramid.edge_conv.{_PART[m[1]]}.{m[2]}'),
            Rule(r'bot_aspp\.(.*)', r'decode_head.pyramid.bottleneck.conv.\1'),
            Rule(r'bot_fine\.(.*)', r'decode_head.fine_conv.\1'),
            Rule(r'final_seg\.(\d)\.(.*)', lambda m: f'decode_head.{_FINAL[m[1]]}.{m[2]}'),
        ),
        drops=(Drop(r'dsn1\..*', 'a map of the first level that the released forward does not use'), )),
    # Files of the trunk alone, for the trunk inside WithEdges.
    *(dataclasses.replace(
        layout,
        name=f'{layout.name}-with-edges',
        target_signature=(r'backbone\.backbone\.mod7\.0\.shortcut\.weight', ),
        rules=tuple(_wrapped(rule) for rule in layout.rules),
        scope='backbone.backbone.') for layout in GFF if layout.scope == 'backbone.'),
)
