"""PVT v1 and v2 (whai362/PVT, whai362/PVTv2-Seg) and Shunted Transformer (OliverRensu/Shunted-Transformer).

Our names are theirs: a backbone's file only gets a prefix.
"""
import torch

from ..engine import Drop, Layout, Rule

PVT = 'whai362/PVT, commit 57e2dfaa'
SHUNTED = 'OliverRensu/Shunted-Transformer, commit 6861101d (no licence file)'


def without_class_position(positions: torch.Tensor) -> torch.Tensor:
    """The coarsest grid of ImageNet and segmentation files has a position for the class token first."""
    return positions[:, 1:]


def rules(prefix: str = ''):
    """Rules for a backbone; ``prefix`` is that of the file, as a regular expression."""
    return (
        Rule(prefix + r'pos_embed4', 'backbone.pos_embed4', without_class_position),
        Rule(prefix + r'((?:patch_embed\d|block\d|norm\d)\..*|pos_embed[123])', r'backbone.\1'),
    )


V1, V2, SHUNT = r'pos_embed1', r'block1\.0\.mlp\.dwconv\.dwconv\.weight', r'block1\.0\.attn\.(sr1|local_conv)\.weight'


def _layouts():
    families = (
        ('pvt', PVT, (V1, r'block1\.0\.attn\.kv\.weight'), ()),
        ('pvt-v2', f'{PVT}, and whai362/PVTv2-Seg, commit db8b6fe8', (V2, r'norm1\.weight'), (SHUNT, )),
        ('shunted', SHUNTED, (V2, SHUNT), ()),
    )
    for name, source, marks, absent in families:
        yield Layout(
            name=f'imagenet-{name}',
            source=source,
            signature=marks,
            signature_absent=absent,
            target_signature=tuple(rf'backbone\.{mark}' for mark in marks),
            target_absent=tuple(rf'backbone\.{mark}' for mark in absent),
            rules=rules(),
            drops=(Drop(r'(cls_token|norm\..*|head\..*)', 'ImageNet classifier, its token and its norm'), ),
            scope='backbone.')
        yield Layout(
            name=f'{name}-segmentor',
            source=f'{source}; heads are mmseg\'s',
            signature=(*(rf'backbone\.{mark}' for mark in marks), r'decode_head\.conv_seg\.weight'),
            signature_absent=tuple(rf'backbone\.{mark}' for mark in absent),
            target_signature=tuple(rf'backbone\.{mark}' for mark in marks),
            target_absent=tuple(rf'backbone\.{mark}' for mark in absent),
            rules=(*rules(r'backbone\.'), Rule(r'((?:neck|decode_head|auxiliary_head)\..*)', r'\1')),
            drops=(Drop(r'backbone\.(cls_token|norm\..*|head\..*)', 'ImageNet classifier, its token and its norm'), ))


LAYOUTS = tuple(_layouts())
