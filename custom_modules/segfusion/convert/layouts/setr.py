"""SETR's three decoders on a ViT (fudan-zvg/SETR)."""
import re

import torch

from ..engine import Drop, Layout, Rule, State
from .vit import vit_rules

SOURCE = 'fudan-zvg/SETR, commit 1361561f'
UNUSED = Drop(r'(decode_head|auxiliary_head\.\d)\.conv_seg\..*', 'classifier of the base class that no forward reaches')
NO_AUXILIARY = Drop(r'auxiliary_head\..*', 'deep supervision, which this config does not have')


def setr_state(state: State) -> State:
    """Fold the bias of each convolution into the norm behind it; name the last convolution of a head ``classify``."""
    state = dict(state)
    for key in [k for k in state if re.fullmatch(r'.*head(\.\d)?\.conv_\d\.weight', k)]:
        head, i = re.fullmatch(r'(.*)\.conv_(\d)\.weight', key).groups()
        norm = f'{head}.syncbn_fc_{i}.running_mean'
        bias = state.pop(f'{head}.conv_{i}.bias')
        if norm in state:
            state[norm] = state[norm] - bias
        else:
            state[f'{head}.classify.weight'] = state.pop(key)
            state[f'{head}.classify.bias'] = bias
    for key in [k for k in state if re.fullmatch(r'auxiliary_head\.\d\.aux\.weight', k)]:
        state[key.replace('weight', 'bias')] = torch.zeros(len(state[key]))  # ours has one
    return state


def levels_reversed(weight: torch.Tensor, levels: int = 4) -> torch.Tensor:
    """The authors concatenate the branches fine to coarse, mmseg's neck gives them deep first."""
    return torch.cat(weight.chunk(levels, dim=1)[::-1], dim=1)


HEAD = r'(decode_head|auxiliary_head\.\d)\.'
UP = (
    Rule(HEAD + r'norm\.(.*)', r'\1.norm.\2'),
    Rule(HEAD + r'conv_(\d)\.weight', r'\1.up_convs.\2.0.conv.weight'),
    Rule(HEAD + r'syncbn_fc_(\d)\.(.*)', r'\1.up_convs.\2.0.bn.\3'),
    Rule(HEAD + r'classify\.(.*)', r'\1.conv_seg.\2'),
)
CONV_NORM = {'0': '0.conv', '1': '0.bn', '3': '1.conv', '4': '1.bn'}


def _branch(match: 're.Match') -> str:
    return f'decode_head.up_convs.{5 - int(match[1])}.{CONV_NORM[match[2]]}.{match[3]}'


MLA = (
    Rule(r'backbone\.norm_(\d)\.(.*)', r'neck.norm.\1.\2'),
    Rule(r'backbone\.mla\.mla_p(\d)_1x1\.([01])\.(.*)',
         lambda m: f'neck.mla.channel_proj.{int(m[1]) - 2}.{("conv", "bn")[int(m[2])]}.{m[3]}'),
    Rule(r'backbone\.mla\.mla_p(\d)\.([01])\.(.*)',
         lambda m: f'neck.mla.feat_extract.{5 - int(m[1])}.{("conv", "bn")[int(m[2])]}.{m[3]}'),
    Rule(r'decode_head\.mlahead\.head(\d)\.([0134])\.(.*)', _branch),
    Rule(r'decode_head\.cls\.weight', 'decode_head.conv_seg.weight', levels_reversed),
    Rule(r'decode_head\.cls\.bias', 'decode_head.conv_seg.bias'),
    # Its heads see p2..p5, ours p5..p2.
    Rule(r'auxiliary_head\.(\d)\.aux\.(.*)', lambda m: f'auxiliary_head.{3 - int(m[1])}.conv_seg.{m[2]}'),
)


def _layouts():
    decoders = (('up', r'decode_head\.conv_0\.weight', r'decode_head\.up_convs\.0\.0\.conv\.weight', UP),
                ('mla', r'decode_head\.mlahead\.head2\.0\.weight', r'neck\.mla\.channel_proj\.0\.conv\.weight', MLA))
    for name, mark, target, rules in decoders:
        for auxiliary in (False, True):
            ours = r'auxiliary_head\..*'
            yield Layout(
                name=f'setr-{name}' + ('-aux' if auxiliary else ''),
                source=SOURCE,
                signature=(r'backbone\.blocks\.0\.attn\.qkv\.weight', mark),
                target_signature=(r'backbone\.layers\.0\.attn\.attn\.in_proj_weight', target,
                                  *((ours, ) if auxiliary else ())),
                target_absent=() if auxiliary else (ours, ),
                rules=(*vit_rules(r'backbone\.'), *rules),
                drops=(UNUSED, ) if auxiliary else (UNUSED, NO_AUXILIARY),
                prepare=setr_state)


LAYOUTS = tuple(_layouts())
