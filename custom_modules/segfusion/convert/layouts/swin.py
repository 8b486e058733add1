"""Swin Transformer v1 and v2 (microsoft/Swin-Transformer), into the names of mmseg and mmpretrain."""
import torch

from ..engine import Drop, Keep, Layout, Rule

SOURCE = 'microsoft/Swin-Transformer, commit f82860bf'
# The authors list the four pixels of a cell column by column, mmseg's unfolding row by row.
PIXELS = (0, 2, 1, 3)


def merging_weight(weight: torch.Tensor) -> torch.Tensor:
    """(C_out, 4 * C), pixels before channels, -> channels before pixels."""
    out, cells = weight.shape
    return weight.reshape(out, 4, cells // 4)[:, PIXELS].transpose(1, 2).reshape(out, cells)


def merging_norm(scale: torch.Tensor) -> torch.Tensor:
    """The same for a norm over the concatenation."""
    return merging_weight(scale[None])[0]


def swin_rules(prefix: str, merged_in_next: bool):
    """Rules for the backbone; v2 (``merged_in_next``) merges patches at the start of the next stage."""
    block = prefix + r'layers\.(\d)\.blocks\.(\d+)\.'
    merging = prefix + r'layers\.(\d)\.downsample\.'

    def downsample(match):
        return f'backbone.stages.{int(match[1]) + merged_in_next}.downsample.{match[2]}'

    return (
        Rule(prefix + r'absolute_pos_embed', 'backbone.absolute_pos_embed'),
        Rule(prefix + r'patch_embed\.proj\.(.*)', r'backbone.patch_embed.projection.\1'),
        Rule(prefix + r'patch_embed\.norm\.(.*)', r'backbone.patch_embed.norm.\1'),
        Rule(block + r'(norm\d)\.(.*)', r'backbone.stages.\1.blocks.\2.\3.\4'),
        Rule(block + r'attn\.(.*)', r'backbone.stages.\1.blocks.\2.attn.w_msa.\3'),
        Rule(block + r'mlp\.fc1\.(.*)', r'backbone.stages.\1.blocks.\2.ffn.layers.0.0.\3'),
        Rule(block + r'mlp\.fc2\.(.*)', r'backbone.stages.\1.blocks.\2.ffn.layers.1.\3'),
        Rule(merging + r'(reduction\.weight)', downsample, merging_weight),
        Rule(merging + r'(norm\..*)', downsample, None if merged_in_next else merging_norm),
        Rule(prefix + r'norm(\d)\.(.*)', r'backbone.norm\1.\2'),
    )


TABLES = r'(attn_mask|attn\.relative_position_index|attn\.relative_coords_table)'
BUFFERS = Drop(rf'(?:backbone\.)?layers\..*\.{TABLES}', 'tables that the network computes')
CLASSIFIER = Drop(r'head\..*', 'ImageNet classifier')
OWN_TABLES = Keep(r'.*\.w_msa\.(relative_position_index|relative_coords_table)', 'tables that the network computes')
FRESH_NORMS = Keep(r'backbone\.norm[012]\..*', 'norms of the finer levels, which ImageNet networks do not have: they '
                   'begin as the identity')


def _layouts():
    for version in (1, 2):
        v2 = version == 2
        mark = 'logit_scale' if v2 else 'relative_position_bias_table'
        table = rf'layers\.0\.blocks\.0\.attn\.{mark}'
        target = dict(target_signature=(rf'backbone\.stages\.0\.blocks\.0\.attn\.w_msa\.{mark}', ))
        yield Layout(
            name=f'imagenet-swin-v{version}',
            source=SOURCE,
            signature=(table, r'norm\.weight'),
            rules=(*swin_rules('', v2), Rule(r'norm\.(.*)', r'backbone.norm3.\1')),
            drops=(BUFFERS, CLASSIFIER),
            keeps=(OWN_TABLES, FRESH_NORMS),
            scope='backbone.',
            **target)
        yield Layout(
            name=f'swin-v{version}-segmentor',
            source='SwinTransformer/Swin-Transformer-Semantic-Segmentation, whose heads are mmseg\'s',
            signature=(rf'backbone\.{table}', r'decode_head\.conv_seg\.weight'),
            rules=(*swin_rules(r'backbone\.', v2), Rule(r'((?:decode_head|auxiliary_head)\..*)', r'\1')),
            drops=(BUFFERS, ),
            keeps=(OWN_TABLES, ),
            **target)


LAYOUTS = tuple(_layouts())
