"""TransUNet, the authors' checkpoints."""
from ..engine import Layout, Rule
from .google_vit import State, block_unit, join_parts, square_map


def _prepare_unet(state: State) -> State:
    return join_parts(state, r'transformer\.encoder\.layer\.(\d+)\.attn\.(?P<part>query|key|value)\.(weight|bias)',
                 lambda m: f'layer.{m[1]}.in_proj_{m[3]}')


_HYBRID = r'transformer\.embeddings\.hybrid_model\.'
_LAYER = r'transformer\.encoder\.layer\.(\d+)\.'

LAYOUTS = (
    Layout(
        name='transunet',
        source='Beckschen/TransUNet 02ef0010',
        signature=(r'transformer\.embeddings\.patch_embeddings\.weight', r'decoder\.conv_more\.0\.weight'),
        target_signature=(r'backbone\.patch_embed\.weight', r'decode_head\.neck_conv\.conv\.weight'),
        prepare=_prepare_unet,
        rules=(
            Rule(_HYBRID + r'root\.conv\.(.*)', r'backbone.stem.\1'),
            Rule(_HYBRID + r'root\.gn\.(.*)', r'backbone.stem_norm.\1'),
            Rule(_HYBRID + r'body\.block(\d+)\.unit(\d+)\.(\w+)\.(.*)', block_unit),
            Rule(r'transformer\.embeddings\.patch_embeddings\.(.*)', r'backbone.patch_embed.\1'),
            Rule(r'transformer\.embeddings\.position_embeddings', 'backbone.pos_embed', square_map),
            Rule(r'layer\.(\d+)\.(in_proj_\w+)', r'backbone.layers.\1.attn.attn.\2'),
            Rule(_LAYER + r'attn\.out\.(.*)', r'backbone.layers.\1.attn.attn.out_proj.\2'),
            Rule(_LAYER + r'attention_norm\.(.*)', r'backbone.layers.\1.ln1.\2'),
            Rule(_LAYER + r'ffn_norm\.(.*)', r'backbone.layers.\1.ln2.\2'),
            Rule(_LAYER + r'ffn\.fc1\.(.*)', r'backbone.layers.\1.ffn.layers.0.0.\2'),
            Rule(_LAYER + r'ffn\.fc2\.(.*)', r'backbone.layers.\1.ffn.layers.1.\2'),
            Rule(r'transformer\.encoder\.encoder_norm\.(.*)', r'backbone.norm.\1'),
            Rule(r'decoder\.conv_more\.0\.(.*)', r'decode_head.neck_conv.conv.\1'),
            Rule(r'decoder\.conv_more\.1\.(.*)', r'decode_head.neck_conv.bn.\1'),
            Rule(r'decoder\.blocks\.(\d)\.conv(\d)\.0\.(.*)',
                 lambda m: f'decode_head.steps.{m[1]}.{int(m[2]) - 1}.conv.{m[3]}'),
            Rule(r'decoder\.blocks\.(\d)\.conv(\d)\.1\.(.*)',
                 lambda m: f'decode_head.steps.{m[1]}.{int(m[2]) - 1}.bn.{m[3]}'),
            Rule(r'segmentation_head\.0\.(.*)', r'decode_head.conv_seg.\1'),
        )),
)
