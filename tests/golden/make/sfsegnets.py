"""SFNet and SFNet-Lite, run by lxtGH/SFSegNets at ba475baf (apex and the training configuration stand-ins)."""
import sys
from functools import partial
from types import SimpleNamespace

import torch
from torch import nn

from tests.golden.make.common import checkout, described, fill, hooked, image, main, shrunk, stand_in
from tests.references.golden import features

REPOSITORY = 'lxtGH/SFSegNets'
ALIGN = 'head.fpn_out_align.{}.flow_make.weight'
# Offsets of a few pixels; without it they leave the image.
SCALES = {
    'resnet': {ALIGN.format(i): .01 for i in range(3)},
    'lite': {'head.flow_align_module.flow_make.weight': .1, 'head.flow_align_module.flow_gate.0.weight': .1},
    'stdc': {ALIGN.format(i): .1 for i in (0, 2)},
}


def authors(code):
    stand_in('apex', amp=SimpleNamespace(float_function=lambda function: function))
    stand_in('config', cfg=SimpleNamespace(MODEL=SimpleNamespace(BNFUNC=nn.BatchNorm2d)))
    checkout(code, REPOSITORY)
    from network import resnet_d, sfnet_resnet
    sfnet_resnet.UperNetAlignHeadAddition = None  # imported by the next file, but not in the release
    from network import sfnet_stdcnet
    if not isinstance(sfnet_stdcnet.STDCNet813, partial):
        sfnet_stdcnet.STDCNet813 = partial(sfnet_stdcnet.STDCNet813, pretrain_model='')
    for name in ('resnet18', 'resnet50', 'resnet101'):
        original = getattr(resnet_d, name)
        if not isinstance(original, partial):
            setattr(resnet_d, name, partial(original, pretrained=False))
    return sfnet_resnet, sfnet_stdcnet


def network(net, scale, taps, inputs=None):
    """``output`` are the logits at the head's size; deep supervision, where there is any, as the head returns it."""
    fill(net, scale=scale)
    modules = {name: net.get_submodule(path) for name, path in taps.items()}
    with hooked(modules) as seen, hooked({'head': net.head}) as whole:
        net(image(128, 192)) if inputs is None else net.head(inputs)
    logits, deep = whole['head']
    arrays = dict(output=shrunk(logits), **{f'dsn_out{i}': shrunk(x) for i, x in enumerate(deep)},
                  **{name: shrunk(x) for name, x in seen.items()})
    return dict(described(net, scale=scale, src=f'{REPOSITORY}@ba475bafbfde'), **arrays)


def resnet(code, taps=dict(ppm='head.ppm', flow2='head.fpn_out_align.2.flow_make',
                           flow1='head.fpn_out_align.1.flow_make'), **kwargs):
    net, _ = authors(code)
    return network(net.AlignNetResNet(19, 'resnet-18-deep', variant='D', **kwargs), SCALES['resnet'], taps)


def lite(code):
    net, _ = authors(code)
    return network(net.DeepR18_SFV2_deeply_dsn_FA_Atten(19, None), SCALES['lite'],
                   dict(ppm='head.ppm', gate='head.flow_align_module.flow_gate'))


def stdc(code):
    _, net = authors(code)
    return network(net.AlignedSTDC1(19, None), SCALES['stdc'],
                   dict(ppm='head.ppm', flow2='head.fpn_out_align.2.flow_make'))


class Alone(nn.Module):
    """A head under the name it has in its network."""

    def __init__(self, head):
        super().__init__()
        self.head = head


def head(code):
    net, _ = authors(code)
    alone = net.UperNetAlignHead(512, 19, nn.BatchNorm2d, [64, 128, 256, 512], fpn_dim=128, fpn_dsn=True)
    return network(Alone(alone), {}, dict(ppm='head.ppm', flow2='head.fpn_out_align.2.flow_make'),
                   features([64, 128, 256, 512]))


def lite_head(code):
    net, _ = authors(code)
    alone = net.UperNetAlignHeadV2(512, 19, nn.BatchNorm2d, [64, 256, 512], fpn_dim=128, fpn_dsn=True,
                                   fa_type='spatial_atten')
    return network(Alone(alone), {}, dict(gate='head.flow_align_module.flow_gate'), features([64, 128, 256, 512]))


if __name__ == '__main__':
    torch.manual_seed(0)
    sys.exit(main(dict(
        sfnet_r18=resnet, sfnet_r18_dsn=partial(resnet, taps={}, fpn_dsn=True), sfnet_lite_r18=lite, sfnet_stdc1=stdc,
        sfnet_head_r18=head, sfnet_lite_head_r18=lite_head), __doc__))
