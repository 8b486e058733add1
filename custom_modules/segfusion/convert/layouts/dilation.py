"""The front end of dilated convolutions, alone or with the context module (fyu/dilation), Caffe blobs by layer name."""
import torch

from ..caffe import name_blobs
from ..engine import Drop, Layout, Rule


def prepare(state):
    """Number the context's layers in order, and add the fixed upsampling that most released files leave to the caller.

    The VOC network writes ``fc-final`` and ``ct_``, the others ``final`` and ``ctx_``.
    """
    state = {k.replace('fc-final.', 'final.').replace('ct_', 'ctx_', 1): v for k, v in name_blobs(state).items()}
    names = [k[:-len('.weight')] for k in state if k.startswith('ctx_conv') and k.endswith('.weight')]
    names = [*sorted(names, key=lambda k: [int(n) for n in k[len('ctx_conv'):].split('_')]), 'ctx_fc1', 'ctx_final']
    place = {name: f'context.{2 * i}' for i, name in enumerate(names)}  # a ReLU after each
    named = {}
    for key, value in state.items():
        layer, _, leaf = key.rpartition('.')
        named[f'{place.get(layer, layer)}.{leaf}'] = value
    if 'final.weight' in named and not {'upsample.weight', 'ctx_upsample.weight'} & set(named):
        last = named.get(f'{place["ctx_final"]}.weight', named['final.weight'])
        ramp = 1 - (torch.arange(16) - 7.5).abs() / 8
        named['upsample.weight'] = torch.outer(ramp, ramp).expand(last.shape[0], 1, 16, 16).to(last)
    return named


FRONT_END = (
    Rule(r'conv(\d)_(\d)\.(weight|bias)', r'backbone.conv\1_\2.conv.\3'),
    Rule(r'fc([67])\.(weight|bias)', r'backbone.fc\1.0.conv.\2'),
    Rule(r'final\.(weight|bias)', r'decode_head.conv_seg.\1'),
    Rule(r'(?:ctx_)?upsample\.weight', 'decode_head.upsample.weight'),
)
SIGNATURE = (r'(fc-)?final\.(weight|0)', r'fc7\.(weight|0)', r'conv5_3\.(weight|0)')
SOURCE = 'fyu/dilation 0f105742, models/dilation*_deploy.prototxt'

LAYOUTS = (
    Layout(
        name='dilation-caffe',
        source=SOURCE,
        signature=SIGNATURE,
        target_signature=(r'decode_head\.context\.layers\.0\.weight', r'decode_head\.upsample\.weight'),
        rules=(*FRONT_END, Rule(r'context\.(\d+)\.(weight|bias)', r'decode_head.context.layers.\1.\2')),
        prepare=prepare,
        note='the VOC network (layers ct_*) pads once, before the context: pad_once=True in DilatedContext'),
    Layout(
        name='dilation-front-end-caffe',
        source=SOURCE,
        signature=SIGNATURE,
        target_signature=(r'decode_head\.upsample\.weight', r'backbone\.fc7\.0\.conv\.weight'),
        target_absent=(r'decode_head\.context\..*', ),
        rules=FRONT_END,
        drops=(Drop(r'context\..*', 'the context module, which this config does not have'), ),
        prepare=prepare),
)
