"""Plain ViTs in timm's names: ImageNet files of timm, DeiT and others; shared by SETR's and Segmenter's layouts."""
from ..engine import Drop, Layout, Rule, State

# timm -> mmseg, inside a block
BLOCK = (
    (r'norm([12])\.(.*)', r'ln\1.\2'),
    (r'attn\.qkv\.(weight|bias)', r'attn.attn.in_proj_\1'),
    (r'attn\.proj\.(.*)', r'attn.attn.out_proj.\1'),
    (r'mlp\.fc1\.(.*)', r'ffn.layers.0.0.\1'),
    (r'mlp\.fc2\.(.*)', r'ffn.layers.1.\1'),
)
CLASSIFIER = Drop(r'(head|head_dist|pre_logits|fc_norm)\..*', 'ImageNet classifier')


def block_rules(source: str, target: str):
    """Rules for blocks ``<source>i.`` -> layers ``<target>i.``; ``source`` is a regular expression without groups."""
    for pattern, name in BLOCK:
        name = name.replace(r'\2', r'\3').replace(r'\1', r'\2')
        yield Rule(rf'{source}(\d+)\.{pattern}', rf'{target}\1.{name}')


def vit_rules(source: str = '', resized_on_load: bool = False):
    """Rules for a whole ViT without its final norm; ``source`` is its prefix in the file, as a regular expression."""
    return (
        Rule(source + r'cls_token', 'backbone.cls_token'),
        Rule(source + r'pos_embed', 'backbone.pos_embed', resized_on_load=resized_on_load),
        Rule(source + r'patch_embed\.proj\.(.*)', r'backbone.patch_embed.projection.\1'),
        *block_rules(source + r'blocks\.', 'backbone.layers.'),
    )


def without_distillation(state: State) -> State:
    """Leave out the token that distilled DeiTs put behind the class token, and its position."""
    if 'dist_token' not in state:
        return state
    state = {k: v for k, v in state.items() if k != 'dist_token'}
    position = state['pos_embed']
    return dict(state, pos_embed=position[:, [i for i in range(position.shape[1]) if i != 1]])


def _layouts():
    for norm in (False, True):
        yield Layout(
            name='imagenet-vit' + ('-final-norm' if norm else ''),
            source='ImageNet files of timm, facebookresearch/deit and others with timm\'s names',
            signature=(r'blocks\.0\.attn\.qkv\.weight', r'patch_embed\.proj\.weight', r'pos_embed', r'norm\.weight'),
            signature_absent=(r'blocks\.0\.attn\.relative_position_.*', r'blocks\.0\.gamma_1'),  # BEiT
            target_signature=(r'backbone\.layers\.0\.attn\.attn\.in_proj_weight', r'backbone\.pos_embed',
                              *((r'backbone\.ln1\.weight', ) if norm else ())),
            target_absent=() if norm else (r'backbone\.ln1\.weight', ),
            rules=(*vit_rules(resized_on_load=True), *((Rule(r'norm\.(.*)', r'backbone.ln1.\1'), ) if norm else ())),
            drops=(CLASSIFIER, *(() if norm else (Drop(r'norm\..*', 'final norm, which this config does not have'), ))),
            scope='backbone.',
            prepare=without_distillation)


LAYOUTS = tuple(_layouts())
