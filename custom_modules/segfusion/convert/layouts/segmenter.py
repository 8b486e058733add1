"""Segmenter's linear and mask decoders on a ViT (rstrudel/segmenter)."""
from ..engine import Drop, Layout, Rule
from .vit import block_rules, vit_rules

SOURCE = 'rstrudel/segmenter, commit 20d1bfad'
ENCODER = (*vit_rules(r'encoder\.'), Rule(r'encoder\.norm\.(.*)', r'backbone.ln1.\1'))
DROPS = (Drop(r'encoder\.(head|head_dist|pre_logits)\..*', 'ImageNet classifier, never used'), )
OURS = r'backbone\.layers\.0\.attn\.attn\.in_proj_weight'
THEIRS = r'encoder\.blocks\.0\.attn\.qkv\.weight'


def refuse_distilled(source, target):
    if 'encoder.dist_token' in source:
        return ("this file has a distilled DeiT as encoder, whose second token takes part in attention; mmseg's ViT "
                'has no place for it. Use a file with a ViT encoder')
    return None


LAYOUTS = (
    Layout(
        name='segmenter-mask',
        source=SOURCE,
        signature=(THEIRS, r'decoder\.cls_emb'),
        target_signature=(OURS, r'decode_head\.cls_emb'),
        rules=(
            *ENCODER,
            Rule(r'decoder\.cls_emb', 'decode_head.cls_emb'),
            Rule(r'decoder\.proj_dec\.(.*)', r'decode_head.dec_proj.\1'),
            Rule(r'decoder\.proj_patch', 'decode_head.patch_proj.weight', lambda w: w.t()),
            Rule(r'decoder\.proj_classes', 'decode_head.classes_proj.weight', lambda w: w.t()),
            Rule(r'decoder\.(decoder_norm|mask_norm)\.(.*)', r'decode_head.\1.\2'),
            *block_rules(r'decoder\.blocks\.', 'decode_head.layers.'),
        ),
        drops=DROPS,
        refuse=refuse_distilled),
    Layout(
        name='segmenter-linear',
        source=SOURCE,
        signature=(THEIRS, r'decoder\.head\.weight'),
        target_signature=(OURS, r'decode_head\.conv_seg\.weight'),
        rules=(
            *ENCODER,
            Rule(r'decoder\.head\.weight', 'decode_head.conv_seg.weight', lambda w: w[:, :, None, None]),
            Rule(r'decoder\.head\.bias', 'decode_head.conv_seg.bias'),
        ),
        drops=DROPS,
        refuse=refuse_distilled),
)
