"""AlignSeg on ResNet (speedinghzl/AlignSeg): plain state dicts without a prefix."""
import torch

from ..engine import Drop, Layout, Rule, State

SOURCE = 'speedinghzl/AlignSeg, commit ac7582d3'
NOTE = ("the released sampler and torch's grid convention are not recorded in the file: set sampler='released' and "
        "'released_corners' in decode_head.align and decode_head.context, and keep what validates better")

_STEM = {'conv1': '0', 'bn1': '1', 'conv2': '3', 'bn2': '4', 'conv3': '6', 'bn3': '7'}
_LATERALS = {'1a': '0', '2a': '1', '3a': '2', '4a': '3', '5a': '4'}
_BLOCK = {'unify': 'unify.conv', 'residual.0': 'squeeze.conv', 'residual.1': 'squeeze.bn', 'residual.2': 'expand.conv',
          'norm': 'norm'}


def merge_branches(state: State) -> State:
    """AlignFA's two branches, ``delta_gen1`` and ``delta_gen2``, as one: stacked along the output channels.

    Tensors without a twin of the same shape are left as they are, and the converter names them.
    """
    merged = dict(state)
    for first in state:
        second = first.replace('.delta_gen1.', '.delta_gen2.')
        twins = first.startswith('CAB') and second != first and second in state
        if twins and state[first].shape == state[second].shape:
            value = merged.pop(first)
            twin = merged.pop(second)
            # num_batches_tracked is one number for both.
            merged[first.replace('.delta_gen1.', '.delta_gen.')] = torch.cat([value, twin]) if value.dim() else value
    return merged


def activated_norm_scale(state: State) -> State:
    """In-place activated batch norm scales by ``|weight| + 1e-5``; plain batch norm by its weight as it is."""
    return {k: v.abs() + 1e-5 if v.dim() == 1 and k.endswith('.weight') else v for k, v in state.items()}


def _block(match):
    name, side, part, rest = match.groups()
    blocks = f'laterals.{_LATERALS[name + side]}' if side == 'a' else f'refinements.{int(name) - 2}'
    return f'decode_head.{blocks}.{_BLOCK[part]}.{rest}'


RULES = (
    Rule(r'((?:conv|bn)[123])\.(.*)', lambda m: f'backbone.stem.{_STEM[m[1]]}.{m[2]}'),
    Rule(r'(layer\d\.\d+\.(?:conv\d|bn\d|downsample\.\d)\..*)', r'backbone.\1'),
    Rule(r'RRB([1-5])([ab])\.(unify|residual\.[012]|norm)\.(.*)', _block),
    Rule(r'CAB([2-5])\.delta_gen\.0\.(.*)', lambda m: f'decode_head.aligns.{int(m[1]) - 2}.offset_reduce.conv.{m[2]}'),
    Rule(r'CAB([2-5])\.delta_gen\.1\.(.*)', lambda m: f'decode_head.aligns.{int(m[1]) - 2}.offset_reduce.bn.{m[2]}'),
    Rule(r'CAB([2-5])\.delta_gen\.2\.(.*)', lambda m: f'decode_head.aligns.{int(m[1]) - 2}.offset_conv.{m[2]}'),
    Rule(r'CAM\.pool\.1\.(.*)', r'decode_head.context.scene.0.conv.\1'),
    Rule(r'CAM\.pool\.2\.(.*)', r'decode_head.context.scene.0.bn.\1'),
    Rule(r'CAM\.pool\.3\.(.*)', r'decode_head.context.scene.1.conv.\1'),
    Rule(r'CAM\.pool\.4\.(.*)', r'decode_head.context.scene.1.bn.\1'),
    Rule(r'CAM\.adapt\.0\.(.*)', r'decode_head.context.local.0.conv.\1'),
    Rule(r'CAM\.adapt\.1\.(.*)', r'decode_head.context.local.0.bn.\1'),
    Rule(r'CAM\.adapt\.2\.(.*)', r'decode_head.context.local.1.conv.\1'),
    Rule(r'CAM\.adapt\.3\.(.*)', r'decode_head.context.local.1.bn.\1'),
    Rule(r'CAM\.delta_gen\.0\.(.*)', r'decode_head.context.offset_reduce.conv.\1'),
    Rule(r'CAM\.delta_gen\.1\.(.*)', r'decode_head.context.offset_reduce.bn.\1'),
    Rule(r'CAM\.delta_gen\.2\.(.*)', r'decode_head.context.offset_conv.\1'),
    Rule(r'head\.0\.(.*)', r'decode_head.bottleneck.conv.\1'),
    Rule(r'head\.1\.(.*)', r'decode_head.bottleneck.bn.\1'),
    Rule(r'head\.3\.(.*)', r'decode_head.conv_seg.\1'),
)
DSN = (
    Rule(r'dsn\.0\.(.*)', r'auxiliary_head.conv.conv.\1'),
    Rule(r'dsn\.1\.(.*)', r'auxiliary_head.conv.bn.\1'),
    Rule(r'dsn\.3\.(.*)', r'auxiliary_head.conv_seg.\1'),
)
NO_DSN = (Drop(r'dsn\..*', 'deep supervision, which this config does not have'), )


def activated(state: State) -> State:
    return activated_norm_scale(merge_branches(state))


def _layouts():
    for norm, prepare in (('', activated), ('-plain-bn', merge_branches)):
        for dsn in (False, True):
            target = (r'decode_head\.aligns\.0\.offset_reduce\.conv\.weight', )
            yield Layout(
                name='alignseg' + norm + ('-dsn' if dsn else ''),
                source=SOURCE,
                signature=(r'RRB1a\.unify\.weight', r'CAB2\.delta_gen1\.0\.weight', r'CAM\.adapt\.0\.weight'),
                target_signature=(*target, r'auxiliary_head\.conv\.conv\.weight') if dsn else target,
                target_absent=() if dsn else (r'auxiliary_head\..*', ),
                rules=(*RULES, *DSN) if dsn else RULES,
                drops=() if dsn else NO_DSN,
                prepare=prepare,
                note=NOTE,
                # Nothing in a file tells a network of plain batch norms from the authors'.
                by_name_only=bool(norm))


LAYOUTS = tuple(_layouts())
