"""SegFormer and its Mix Transformer (NVlabs/SegFormer), into mmseg's names."""
import re

import torch

from ..engine import Drop, Layout, Rule, State

SOURCE = 'NVlabs/SegFormer, commit 65fa8cfa (non-commercial licence, also for the weights)'


def joined_projections(state: State) -> State:
    """Join q with k and v, as torch's attention keeps them; ``joined`` marks the result."""
    state = dict(state)
    for key in [k for k in state if re.fullmatch(r'.*block\d\.\d+\.attn\.q\.(weight|bias)', k)]:
        both = [state.pop(key), state.pop(key.replace('.q.', '.kv.'))]
        state[key.replace('.q.', '.joined.')] = torch.cat(both)
    return state


def _stage(inner: str):
    """``blockK.j`` and the like -> ``layers.{K-1}...``; ``inner`` may hold groups from the second on."""
    return lambda match: 'backbone.layers.' + match.expand(inner).replace('<K>', str(int(match[1]) - 1))


def mit_rules(prefix: str = ''):
    """Rules for the backbone; ``prefix`` is that of the file, as a regular expression."""
    block = prefix + r'block(\d)\.(\d+)\.'
    return (
        Rule(prefix + r'patch_embed(\d)\.proj\.(.*)', _stage(r'<K>.0.projection.\2')),
        Rule(prefix + r'patch_embed(\d)\.norm\.(.*)', _stage(r'<K>.0.norm.\2')),
        Rule(block + r'(norm[12]|attn\.sr|attn\.norm)\.(.*)', _stage(r'<K>.1.\2.\3.\4')),
        Rule(block + r'attn\.joined\.(weight|bias)', _stage(r'<K>.1.\2.attn.attn.in_proj_\3')),
        Rule(block + r'attn\.proj\.(.*)', _stage(r'<K>.1.\2.attn.attn.out_proj.\3')),
        Rule(block + r'mlp\.fc1\.weight', _stage(r'<K>.1.\2.ffn.layers.0.weight'), as_convolution),
        Rule(block + r'mlp\.fc1\.bias', _stage(r'<K>.1.\2.ffn.layers.0.bias')),
        Rule(block + r'mlp\.dwconv\.dwconv\.(.*)', _stage(r'<K>.1.\2.ffn.layers.1.\3')),
        Rule(block + r'mlp\.fc2\.weight', _stage(r'<K>.1.\2.ffn.layers.4.weight'), as_convolution),
        Rule(block + r'mlp\.fc2\.bias', _stage(r'<K>.1.\2.ffn.layers.4.bias')),
        Rule(prefix + r'norm(\d)\.(.*)', _stage(r'<K>.2.\2')),
    )


def as_convolution(weight: torch.Tensor) -> torch.Tensor:
    """A linear layer as a 1x1 convolution."""
    return weight[:, :, None, None]


def fine_first(weight: torch.Tensor, levels: int = 4) -> torch.Tensor:
    """The authors concatenate coarse to fine, we do fine to coarse."""
    return torch.cat(weight.chunk(levels, dim=1)[::-1], dim=1)


def _level(match: 're.Match') -> str:
    return f'decode_head.convs.{int(match[1]) - 1}.conv.{match[2]}'


HEAD = (
    Rule(r'decode_head\.linear_c(\d)\.proj\.(weight)', _level, as_convolution),
    Rule(r'decode_head\.linear_c(\d)\.proj\.(bias)', _level),
    Rule(r'decode_head\.linear_fuse\.conv\.weight', 'decode_head.fusion_conv.conv.weight', fine_first),
    Rule(r'decode_head\.linear_fuse\.bn\.(.*)', r'decode_head.fusion_conv.bn.\1'),
    Rule(r'decode_head\.linear_pred\.(.*)', r'decode_head.conv_seg.\1'),
)
OURS = r'backbone\.layers\.0\.1\.0\.attn\.attn\.in_proj_weight'


def _refuse(source, target):
    if 'decode_head.convs.0.conv.bias' not in target:
        return ("this is the released SegFormer head, whose levels pass a bare linear layer; the config's head has "
                "norms and ReLUs there and cannot hold it. Use type='SegformerMLPHead'")
    return None


LAYOUTS = (
    Layout(
        name='segformer',
        source=SOURCE,
        signature=(r'backbone\.block1\.0\.attn\.q\.weight', r'decode_head\.linear_c1\.proj\.weight'),
        target_signature=(OURS, r'decode_head\.fusion_conv\.conv\.weight'),
        rules=(*mit_rules(r'backbone\.'), *HEAD),
        drops=(Drop(r'decode_head\.conv_seg\..*', 'classifier of the base class that no forward reaches'), ),
        prepare=joined_projections,
        refuse=_refuse),
    Layout(
        name='imagenet-mit',
        source=f'{SOURCE}, its ImageNet files',
        signature=(r'block1\.0\.attn\.q\.weight', r'patch_embed1\.proj\.weight', r'norm4\.weight'),
        target_signature=(OURS, ),
        rules=mit_rules(),
        drops=(Drop(r'head\..*', 'ImageNet classifier'), ),
        scope='backbone.',
        prepare=joined_projections),
)
