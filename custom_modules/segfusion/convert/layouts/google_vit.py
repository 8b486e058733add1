"""Google's pretrained vision transformers, plain and with a ResNet in front: the arrays of their .npz files."""
import math
import re
from typing import Callable, Dict

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine import Drop, Layout, Rule

State = Dict[str, Tensor]
SOURCE = 'google-research/vision_transformer, ImageNet-21k files (.npz)'


def join_parts(state: State, pattern: str, name: Callable[['re.Match'], str]) -> State:
    """Concatenate query, key and value, which ``pattern`` names in its group ``part``, under ``name(match)``."""
    out, parts = {}, {}
    for key, value in state.items():
        match = re.fullmatch(pattern, key)
        if match is None:
            out[key] = value
        else:
            parts.setdefault(name(match), {})[match['part']] = value
    for key, own in parts.items():
        # A part that is missing leaves a hole, which the strict conversion then names.
        out[key] = torch.cat([own[part] for part in ('query', 'key', 'value') if part in own])
    return out


def square_map(positions: Tensor) -> Tensor:
    """(1, n, D) positions as a map (1, D, sqrt n, sqrt n); as they are if there is no such square."""
    side = math.isqrt(positions.shape[1])
    if side * side != positions.shape[1]:
        return positions
    return positions.transpose(1, 2).unflatten(2, (side, side))


def block_unit(match: 're.Match') -> str:
    block, unit, layer, rest = match.groups()
    layer = {'downsample': 'shortcut.0', 'gn_proj': 'shortcut.1', 'conv_proj': 'shortcut.0'}.get(
        layer, layer.replace('gn', 'norm'))
    return f'backbone.stages.{int(block) - 1}.{int(unit) - 1}.{layer}.{rest}'


# Kernels are (height, width, in, out), or (in, heads, channels) in an attention.


def _kernel(value: Tensor) -> Tensor:
    return value.permute(3, 2, 0, 1)


def _flat(value: Tensor) -> Tensor:
    return value.flatten()


def _prepare_google(state: State) -> State:
    state = dict(state)
    part = r'Transformer/encoderblock_(\d+)/MultiHeadDotProductAttention_1/(?P<part>query|key|value)/(kernel|bias)'
    for key, value in state.items():
        match = re.fullmatch(part, key)
        if match:
            state[key] = value.flatten(1).t() if match[3] == 'kernel' else value.flatten()
    return join_parts(state, part, lambda m: f'layer/{m[1]}/in_proj_{dict(kernel="weight", bias="bias")[m[3]]}')


_POSITIONS = 'Transformer/posembed_input/pos_embedding'


def _fit_positions(state: State, target: State) -> State:
    """Positions as the map that the hybrid has, at its grid: resized linearly, corners aligned, as TransUNet does."""
    grid, size = square_map(state[_POSITIONS][:, 1:]), target['backbone.pos_embed'].shape[2:]
    if grid.dim() == 4 and grid.shape[2:] != size:
        grid = F.interpolate(grid, size=size, mode='bilinear', align_corners=True)
    return {**state, _POSITIONS: grid}


def _transformer(resized_on_load: bool = False):
    """Rules for positions and layers; ours and mmseg's have the same names."""
    layer = r'Transformer/encoderblock_(\d+)/'

    def leaf(name: str, kernel: str, transform=None):
        return (Rule(rf'{layer}{name}/kernel', rf'backbone.layers.\1.{kernel}.weight',
                     transform or (lambda value: value.t())),
                Rule(rf'{layer}{name}/bias', rf'backbone.layers.\1.{kernel}.bias'))

    def norm(name: str, ours: str):
        return (Rule(rf'{name}/scale', rf'{ours}.weight', _flat), Rule(rf'{name}/bias', rf'{ours}.bias', _flat))

    return (
        *norm(f'{layer}LayerNorm_0', r'backbone.layers.\1.ln1'),
        *norm(f'{layer}LayerNorm_2', r'backbone.layers.\1.ln2'),
        Rule(r'layer/(\d+)/(in_proj_(?:weight|bias))', r'backbone.layers.\1.attn.attn.\2'),
        *leaf('MultiHeadDotProductAttention_1/out', 'attn.attn.out_proj', lambda value: value.flatten(0, 1).t()),
        *leaf('MlpBlock_3/Dense_0', 'ffn.layers.0.0'),
        *leaf('MlpBlock_3/Dense_1', 'ffn.layers.1'),
        Rule(_POSITIONS, 'backbone.pos_embed', resized_on_load=resized_on_load),
    )


_CLASSIFIER = Drop(r'(head|pre_logits)/.*', 'classifier of the ImageNet network')
_PLAIN = dict(
    source=SOURCE,
    signature=(r'embedding/kernel', r'cls', r'Transformer/encoder_norm/scale'),
    signature_absent=(r'conv_root/kernel', ),
    prepare=_prepare_google,
    scope='backbone.')
_PLAIN_RULES = (
    Rule(r'embedding/kernel', 'backbone.patch_embed.projection.weight', _kernel),
    Rule(r'embedding/bias', 'backbone.patch_embed.projection.bias'),
    Rule(r'cls', 'backbone.cls_token'),
    *_transformer(resized_on_load=True),
)

LAYOUTS = (
    Layout(
        name='google-hybrid-vit',
        source=SOURCE,
        signature=(r'embedding/kernel', r'Transformer/encoder_norm/scale'),
        target_signature=(r'backbone\.patch_embed\.weight', r'backbone\.layers\.0\.ln1\.weight'),
        prepare=_prepare_google,
        fit=_fit_positions,
        scope='backbone.',
        rules=(
            Rule(r'conv_root/kernel', 'backbone.stem.weight', _kernel),
            Rule(r'gn_root/scale', 'backbone.stem_norm.weight', _flat),
            Rule(r'gn_root/bias', 'backbone.stem_norm.bias', _flat),
            Rule(r'block(\d+)/unit(\d+)/(conv\w+)/()kernel', lambda m: f'{block_unit(m)}weight', _kernel),
            Rule(r'block(\d+)/unit(\d+)/(gn\w+)/()scale', lambda m: f'{block_unit(m)}weight', _flat),
            Rule(r'block(\d+)/unit(\d+)/(gn\w+)/()bias', lambda m: f'{block_unit(m)}bias', _flat),
            Rule(r'embedding/kernel', 'backbone.patch_embed.weight', _kernel),
            Rule(r'embedding/bias', 'backbone.patch_embed.bias'),
            *_transformer(),
            Rule(r'Transformer/encoder_norm/scale', 'backbone.norm.weight'),
            Rule(r'Transformer/encoder_norm/bias', 'backbone.norm.bias'),
        ),
        drops=(_CLASSIFIER, Drop(r'cls', 'class token: the encoder has none'))),
    Layout(
        name='google-vit-final-norm',
        target_signature=(r'backbone\.patch_embed\.projection\.bias', r'backbone\.ln1\.weight'),
        rules=(*_PLAIN_RULES, Rule(r'Transformer/encoder_norm/scale', 'backbone.ln1.weight'),
               Rule(r'Transformer/encoder_norm/bias', 'backbone.ln1.bias')),
        drops=(_CLASSIFIER, ),
        **_PLAIN),
    Layout(
        name='google-vit',
        target_signature=(r'backbone\.patch_embed\.projection\.bias', ),
        target_absent=(r'backbone\.ln1\.weight', ),
        rules=_PLAIN_RULES,
        drops=(_CLASSIFIER, Drop(r'Transformer/encoder_norm/.*', 'final norm: the model has none')),
        **_PLAIN),
)
