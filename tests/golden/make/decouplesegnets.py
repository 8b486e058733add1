"""GFF on WideResNet-38, run by lxtGH/DecoupleSegNets at bedb8e53 (apex and the training configuration stand-ins)."""
import sys
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from tests.golden.make.common import checkout, described, fill, hooked, image, main, shrunk, stand_in

REPOSITORY = 'lxtGH/DecoupleSegNets'
SHAPES = ((1, 128, 64, 96), (1, 1024, 16, 24), (1, 256, 16, 24))  # of m2, m5 and the context
TAPS = ('gate1', 'gate2', 'gate3', 'd_in1', 'd_in2', 'd_in3', 'dense_3', 'dense_6', 'dense_9')


def authors(code):
    stand_in('apex', amp=SimpleNamespace(float_function=lambda function: function))
    stand_in('config', cfg=SimpleNamespace(MODEL=SimpleNamespace(BNFUNC=nn.BatchNorm2d)))
    checkout(code, REPOSITORY)
    from network import gffnets
    return gffnets


def head(code):
    net = fill(authors(code).WiderResNetGFFDFPHead(19), prefix='gff_head.')
    rng = np.random.default_rng(1)
    inputs = [torch.from_numpy(rng.standard_normal(shape).astype(np.float32)) for shape in SHAPES]
    with hooked({name: getattr(net, name) for name in TAPS}) as seen:
        output = net(inputs)
    # three channels of a map 96 wide, four of one 24 wide
    taps = {k: shrunk(v[:, :3], always=True) if v.shape[-1] == 96 else v[:, :4].numpy() for k, v in seen.items()}
    return dict(described(net, prefix='gff_head.', src=f'{REPOSITORY}@bedb8e53a774'), output=shrunk(output), **taps)


def network(code):
    net = fill(authors(code).DeepWV3PlusGFFNet(19))
    with hooked(dict(m5=net.mod5, logits=net.gff_head)) as seen:
        net(image(64, 96))
    return dict(described(net, src=f'{REPOSITORY}@bedb8e53a774'), output=shrunk(seen['logits']),
                m5=seen['m5'][:, :4].numpy())


if __name__ == '__main__':
    sys.exit(main(dict(gff_head=head, gff_wrn38=network), __doc__))
