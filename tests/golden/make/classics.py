"""The classic networks.

Run by their authors' (or a port's) code: FC-DenseNet, RefineNet, the large kernels, FCN-8s. LinkNet's modules are the
authors', wired as their Lua does. SegNet-Basic and G-FRNet are Caffe: their prototxt files are read from the checkout
and executed with torch operations (:mod:`.prototxt`). ENet (Lua) is not here: its file came from a transcription.
"""
import importlib.util
import json
import sys
from functools import partial
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from tests.golden.make.common import checkout, described, draw, fill, image, main, stand_in, strided
from tests.golden.make.prototxt import Prototxt


def measured(output, size, step, net=None, **fields):
    """Every ``step``-th pixel of the logits, and the largest of all."""
    return dict(fields or counted(net), output=strided(output, step), size=np.array(size), step=np.array(step),
                peak=np.array(output.abs().max().item(), np.float32))


def counted(net):
    """The fields of a drawn network, without counters of training steps."""
    fields = described(net, params=sum(p.numel() for p in net.parameters()))
    kept = [i for i, key in enumerate(fields['keys']) if not key.endswith('num_batches_tracked')]
    shapes = json.loads(str(fields['shapes']))
    return dict(keys=fields['keys'][kept], shapes=np.array(json.dumps([shapes[i] for i in kept])), meta=fields['meta'])


def alone(path, name):
    """One file of a package, without running the package's ``__init__``."""
    parent, _, _ = name.rpartition('.')
    if parent:
        stand_in(parent)
        sys.modules[parent].__path__ = [str(path.parent)]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def fc_densenet(code):
    root = checkout(code, 'bfortuner/pytorch_tiramisu')
    alone(root / 'models' / 'layers.py', 'tiramisu.layers')
    net = fill(alone(root / 'models' / 'tiramisu.py', 'tiramisu.tiramisu').FCDenseNet57(11))
    return measured(net(image(96, 128)), (96, 128), 3, net)


def refinenet(code):
    root = checkout(code, 'DrSleep/refinenet-pytorch')
    stand_in('utils.helpers', maybe_download=None)
    alone(root / 'utils' / 'layer_factory.py', 'utils.layer_factory')
    resnet = alone(root / 'models' / 'resnet.py', 'refinenet')
    net = fill(resnet.RefineNet(resnet.Bottleneck, [3, 4, 6, 3], num_classes=11))
    return measured(net(image(90, 120)), (90, 120), 1, net)


def large_kernel(code):
    """Python 2's division, and the ``upsample_bilinear`` of its time, which aligned corners; ResNet-50 as trunk."""
    root = checkout(code, 'ZijunDeng/pytorch-semantic-segmentation')
    source = (root / 'models' / 'gcn.py').read_text().replace(') / 2', ') // 2')
    for line in ('from ..utils import initialize_weights', 'from .config import res152_path'):
        source = source.replace(line, '')
    names = dict(initialize_weights=lambda *modules: None, res152_path=None)
    exec(compile(source, 'gcn.py', 'exec'), names)
    names['models'] = SimpleNamespace(resnet152=torchvision.models.resnet50)
    aligned = partial(F.interpolate, mode='bilinear', align_corners=True)
    with mock.patch.object(F, 'upsample_bilinear', lambda x, size: aligned(x, size=tuple(size))):
        net = fill(names['GCN'](11, (96, 128), pretrained=False))
        return measured(net(image(96, 128)), (96, 128), 3, net)


def fcn8s(code):
    root = checkout(code, 'wkentaro/pytorch-fcn')
    stand_in('fcn')
    alone(root / 'torchfcn' / 'models' / 'fcn32s.py', 'torchfcn_models.fcn32s')
    net = fill(alone(root / 'torchfcn' / 'models' / 'fcn8s.py', 'torchfcn_models.fcn8s').FCN8s(n_class=11))
    return measured(net(image(90, 122)), (90, 122), 3, net)


def linknet(code):
    root = checkout(code, 'e-lab/pytorch-linknet')
    plain = torchvision.models.resnet.resnet18
    with mock.patch.object(torchvision.models.resnet, 'resnet18', lambda pretrained: plain()):
        net = alone(root / 'models' / 'linknet.py', 'linknet').LinkNet(11)
    fill(net)
    decoders = [net.decoder1, net.decoder2, net.decoder3, net.decoder4]
    for part in (*decoders, net.conv2):
        for norm in part.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.eps = 1e-3
    levels = [net.in_block(image(96, 128))]
    for encoder in (net.encoder1, net.encoder2, net.encoder3, net.encoder4):
        levels.append(encoder(levels[-1]))
    x = levels.pop()
    for decoder in reversed(decoders):
        x = F.relu(decoder(x) + levels.pop())
    return measured(net.tp_conv2(net.conv2(net.tp_conv1(x))), (96, 128), 3, net)


def caffe(code, repository, path, blob):
    net = Prototxt((checkout(code, repository) / path).read_text())
    shapes = net.shapes(3)
    weights = {key: torch.from_numpy(draw(key, shape)) for key, shape in shapes.items()}
    output = net.run(image(96, 128), weights)[blob]
    params = sum(int(np.prod(s)) for k, s in shapes.items() if 'running' not in k)
    return measured(output, (96, 128), 3, keys=np.array(list(shapes)),
                    shapes=np.array(json.dumps([list(s) for s in shapes.values()])),
                    meta=np.array(json.dumps(dict(src=f'{repository} {path}', params=params))))


def bilinear_kernels(code):
    """What the FCN release fills its transposed convolutions with (surgery.py ``upsample_filt``)."""
    def kernel(size):
        factor = (size + 1) // 2
        centre = factor - 1 if size % 2 else factor - 0.5
        ramp = 1 - abs(np.arange(size) - centre) / factor
        return np.outer(ramp, ramp)
    return {f'k{size}': kernel(size) for size in (4, 16, 32, 64)}


if __name__ == '__main__':
    sys.exit(main(dict(
        classic_fcdensenet56=fc_densenet, classic_refinenet_r50=refinenet, classic_gcn_r50=large_kernel,
        classic_fcn8s=fcn8s, classic_linknet_r18_lua=linknet, classic_bilinear_kernels=bilinear_kernels,
        classic_segnet_basic_caffe=partial(
            caffe, repository='alexgkendall/SegNet-Tutorial', path='Models/segnet_basic_inference.prototxt',
            blob='conv_classifier'),
        classic_gfrnet_camvid=partial(
            caffe, repository='mrochan/gfrnet', path='models/camvid/test_camvid_gate.prototxt',
            blob='prediction')), __doc__))
