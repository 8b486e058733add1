"""AlignSeg, run by speedinghzl/AlignSeg at ac7582d3.

The in-place activated norms, which need a GPU build, are plain batch norm and (leaky) ReLU with the same numbers; the
real kernels multiply by |w| + 1e-5, which ``output_abn`` does.
"""
import sys
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tests.golden.make.common import checkout, described, fill, hooked, image, main, shrunk, stand_in

REPOSITORY = 'speedinghzl/AlignSeg'
DELTAS = {'CAB2.delta_gen1': .1, 'CAB2.delta_gen2': .1, 'CAB3.delta_gen1': .1, 'CAB3.delta_gen2': .1,
          'CAB4.delta_gen1': .01, 'CAB4.delta_gen2': .1, 'CAM.delta_gen': .01, 'CAB5.delta_gen1': .01,
          'CAB5.delta_gen2': .01}


class Norm(nn.BatchNorm2d):
    """Batch norm and activation under the constructor of ``InPlaceABN``."""

    def __init__(self, features, eps=1e-5, momentum=0.1, affine=True, activation='leaky_relu'):
        super().__init__(features, eps, momentum, affine)
        self.activation = activation

    def forward(self, x):
        x = super().forward(x)
        return F.leaky_relu(x, 0.01) if self.activation == 'leaky_relu' else x


def build(code, ceil_mode=True):
    stand_in('inplace_abn', InPlaceABN=Norm, InPlaceABNSync=Norm)
    stand_in('utils.pyt_utils', load_model=None)
    checkout(code, REPOSITORY)
    from networks import alignseg
    net = alignseg.ResNet(alignseg.Bottleneck, [3, 4, 6, 3], 19, None)
    scale = {f'{name}.2.weight': value for name, value in DELTAS.items()}
    # The residual branches of all blocks but the first of a stage, or the sum grows by orders of magnitude.
    scale.update({k: .25 for k in net.state_dict() if k.endswith('.bn3.weight') and '.0.bn3' not in k})
    fill(net, scale=scale)
    net.maxpool.ceil_mode = ceil_mode
    return alignseg, net, scale


def run(net, corners=None):
    """Logits, with the corner flag that an older torch had by default if ``corners``."""
    plain = F.grid_sample
    given = {} if corners is None else dict(align_corners=corners)
    with mock.patch.object(F, 'grid_sample', lambda x, grid, **kwargs: plain(x, grid, **{**kwargs, **given})):
        return net(image(128, 192))


def network(code):
    alignseg, net, scale = build(code)
    taps = {f'delta_{name}': net.get_submodule(path) for name, path in (
        ('CAB2_1', 'CAB2.delta_gen1'), ('CAB2_2', 'CAB2.delta_gen2'), ('CAM', 'CAM.delta_gen'),
        ('CAB5_1', 'CAB5.delta_gen1'), ('CAB5_2', 'CAB5.delta_gen2'))}
    with hooked({**taps, 'CAM': net.CAM, 'CAM_pool': net.CAM.pool}) as seen:
        output, dsn = run(net)
    arrays = dict(output=output, dsn_out=dsn, output_gs_true=run(net, corners=True)[0])
    for kind in (alignseg.CAM, alignseg.CAB):
        kind.released, kind.bilinear_interpolate_torch_gridsample = (
            kind.bilinear_interpolate_torch_gridsample, kind.bilinear_interpolate_torch_gridsample2)
    arrays['output_v2'] = run(net)[0]
    for kind in (alignseg.CAM, alignseg.CAB):
        kind.bilinear_interpolate_torch_gridsample = kind.released
    net.maxpool.ceil_mode = False
    arrays['output_noceil'] = run(net)[0]
    arrays['output_noceil_gs_true'], arrays['dsn_out_noceil_gs_true'] = run(net, corners=True)
    net.maxpool.ceil_mode = True
    for module in net.modules():
        if isinstance(module, Norm):
            module.weight.copy_(module.weight.abs() + 1e-5)
    arrays['output_abn'] = run(net)[0]
    return dict(described(net, scale=scale, src=f'{REPOSITORY}@ac7582d377ab'),
                **{k: shrunk(v) for k, v in arrays.items()},
                **{k: np.ascontiguousarray(v[:, :8].numpy()) for k, v in seen.items()})


if __name__ == '__main__':
    torch.manual_seed(0)
    sys.exit(main(dict(alignseg_r50=network), __doc__))
