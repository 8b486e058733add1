"""Single modules of SFSegNets, DecoupleSegNets and AlignSeg, at the commits the other scripts name.

Inputs and offsets are taken from the stored file; what the modules make of them is computed.
"""
import json
import sys
from contextlib import contextmanager
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tests.golden.make import alignseg, decouplesegnets, sfsegnets
from tests.golden.make.common import fill, hooked, main
from tests.references.golden import load

ALIGNED = ('alignfa', 'alignfa_same', 'aligncm')


@contextmanager
def apart():
    """Forget the packages imported in the block: two of the repositories call theirs ``network``."""
    modules, path = set(sys.modules), list(sys.path)
    try:
        yield
    finally:
        for name in set(sys.modules) - modules:
            if name.split('.')[0] in ('network', 'networks', 'config', 'apex', 'inplace_abn', 'utils'):
                del sys.modules[name]
        sys.path[:] = path


def modules(code):
    stored = load('modules')
    arrays = {k: stored[k] for k in ('keys', 'shapes')}
    arrays.update({k: v for k, v in stored.items() if k.split('/')[-1] in ('in0', 'in1', 'flow', 'delta')})
    keys, shapes = {}, {}

    def inputs(tag):
        return [torch.from_numpy(stored[k]) for k in (f'{tag}/in0', f'{tag}/in1') if k in stored]

    def record(tag, net, call, **taps):
        fill(net, prefix=f'{tag}.')
        state = net.state_dict()
        keys[tag], shapes[tag] = [f'{tag}.{k}' for k in state], [list(v.shape) for v in state.values()]
        with hooked({name: net.get_submodule(path) for name, path in taps.items()}) as seen:
            arrays[f'{tag}/out0'] = call(*inputs(tag)).numpy()
        arrays.update({f'{tag}/tap_{name}': out.numpy() for name, out in seen.items()})

    with apart():
        sf, _ = sfsegnets.authors(code)
        pair = dict(flow_make='flow_make')
        for tag, net, taps in (
                ('fam', sf.AlignedModule(8, 4), dict(pair, down_l='down_l', down_h='down_h')),
                ('fam_odd', sf.AlignedModule(8, 4), pair),
                ('famv2', sf.AlignedModulev2(8, 4), dict(pair, flow_gate='flow_gate')),
                ('famv2_atten', sf.AlignedModulev2PoolingAtten(8, 4), dict(pair, flow_gate='flow_gate'))):
            record(tag, net, lambda *x, net=net: net(x), **taps)
        for tag, net in (('psp', sf.PSPModule(16, 8)), ('spsp', sf.SPSPModule(16, 8, sizes=(1, 2, 4)))):
            record(tag, net, net)
        x, flow = inputs('sf_warp')[0], torch.from_numpy(stored['sf_warp/flow'])
        warp = sf.AlignedModule(8, 4).flow_warp
        arrays['sf_warp/out0'] = warp(x, flow, flow.shape[2:]).numpy()
        arrays['sf_warp_zero/out0'] = warp(x, torch.zeros_like(flow), flow.shape[2:]).numpy()
    with apart():
        gff = decouplesegnets.authors(code)
        for tag, net in (('gff_gate', gff.conv_sigmoid(8, 8)), ('gff_din', gff.conv_bn_relu(8, 8, 1)),
                         ('gff_dense', gff.DenseBlock(8, 8, 8, 3, drop_out=0, norm_layer=nn.BatchNorm2d)),
                         ('gff_aspp', gff._AtrousSpatialPyramidPoolingModule(8, 4, output_stride=8))):
            record(tag, net, net)
    with apart():
        al = alignseg.build(code)[0]
        plain = F.grid_sample
        corners = mock.patch.object(F, 'grid_sample', lambda x, grid, **k: plain(x, grid, align_corners=True))
        for tag, net in zip((*ALIGNED, 'rrb'), (al.CAB(8), al.CAB(8), al.CAM(16, 8), al.RRB(12, 8))):
            taps = dict(pool='pool', adapt='adapt', delta_gen='delta_gen') if tag == 'aligncm' else dict(
                delta_gen1='delta_gen1', delta_gen2='delta_gen2') if tag != 'rrb' else {}
            record(tag, net, net, **taps)
            if tag in ALIGNED:
                with corners:
                    arrays[f'{tag}/out0_gs_true'] = net(*inputs(tag)).numpy()
                net.bilinear_interpolate_torch_gridsample = net.bilinear_interpolate_torch_gridsample2
                arrays[f'{tag}/out0_v2'] = net(*inputs(tag)).numpy()
        net, delta = al.CAB(8), torch.from_numpy(stored['al_warp/delta'])
        x, size = inputs('al_warp')[0], delta.shape[2:]
        arrays['al_warp/out0'] = net.bilinear_interpolate_torch_gridsample(x, size, delta).numpy()
        arrays['al_warp/out0_v2'] = net.bilinear_interpolate_torch_gridsample2(x, size, delta).numpy()
        with corners:
            arrays['al_warp/out0_gs_true'] = net.bilinear_interpolate_torch_gridsample(x, size, delta).numpy()
    return dict(arrays, mod_keys=np.array(json.dumps(keys)), mod_shapes=np.array(json.dumps(shapes)))


if __name__ == '__main__':
    sys.exit(main(dict(modules=modules), __doc__))
