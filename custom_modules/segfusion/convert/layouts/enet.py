"""ENet under the names of a plain transcription of the authors' Lua modules."""
from ..engine import Layout, Rule

NORM = r'(weight|bias|running_mean|running_var)'
PARTS = {'proj': 'reduce.conv', 'bn1': 'reduce.bn', 'act1': 'reduce.activate', 'conv': 'conv.conv', 'conv.1':
         'conv.conv', 'conv.0': 'row', 'bn2': 'conv.bn', 'act2': 'conv.activate', 'exp': 'expand.conv',
         'bn3': 'expand.bn', 'out': 'act', 'skip': 'skip.conv', 'skip_bn': 'skip.bn'}  # yapf: disable
UP = {'conv': 'deconv', 'bn2': 'norm'}


def _block(match):
    block, part, leaf = match[1], match[2], match[3]
    name, _, index = block.partition('.')
    if name == 'stage23':
        place = f'backbone.stage{2 + int(index) // 8}.{int(index) % 8}'
    elif name in ('up4', 'up5'):
        return f'decode_head.{name}.{UP.get(part, PARTS[part])}.{leaf}'
    elif name in ('dec4', 'dec5'):
        place = f'decode_head.stage{name[-1]}' + (f'.{index}' if index else '')
    else:
        place = f'backbone.{block}'
    return f'{place}.{PARTS[part]}.{leaf}'


LAYOUTS = (
    Layout(
        name='enet-elab',
        source='e-lab/ENet-training f7621447, train/models/encoder.lua and decoder.lua, as torch modules',
        signature=(r'init_conv\.weight', r'stage23\.15\.proj\.weight', r'final\.weight'),
        target_signature=(r'backbone\.initial\.weight', r'decode_head\.up5\.deconv\.weight'),
        rules=(
            Rule(r'init_conv\.(weight|bias)', r'backbone.initial.\1'),
            Rule(rf'init_bn\.{NORM}', r'backbone.initial_norm.\1'),
            Rule(r'init_act\.weight', 'backbone.initial_act.weight'),
            Rule(rf'((?:down|up)\d|(?:stage|dec)\d+(?:\.\d+)?)\.({"|".join(PARTS)})\.{NORM}', _block),
            Rule(r'final\.(weight|bias)', r'decode_head.conv_seg.\1'),
        )),
)
