"""CRF-as-RNN: filters, the layer alone, and the whole network on FCN-8s, run by the author's code.

Needs sadeepj/crfasrnn_pytorch at 24899c52 with its extension built in place::

    cd crfasrnn_pytorch/crfasrnn && python setup.py build_ext --inplace
"""
import sys

import numpy as np
import torch

from tests.golden.make.common import checkout, described, fill, main, strided

REPOSITORY = 'sadeepj/crfasrnn_pytorch'
WIDTHS = dict(default=(3., 160., 3.), wide=(3., 80., 13.))  # position; position and colour of the other kernel
EPS = np.finfo('float').eps
STEP = 2
MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # BGR, those of the author's util.py
# The drawn network's scores are brought to a few units, where mean-field steps change them.
SCALE = {'score_fr.weight': .1, 'score_pool4.weight': .1, 'score_pool3.weight': .1, 'crfrnn.spatial_ker_weights': 5.,
         'crfrnn.bilateral_ker_weights': 5., 'crfrnn.compatibility_matrix': 3.}


def author(code):
    """The author's package; its extension lies beside it."""
    folder = checkout(code, REPOSITORY)
    sys.path.insert(0, str(folder / 'crfasrnn'))
    import crfasrnn.crfasrnn_model
    import crfasrnn.crfrnn
    import crfasrnn.filters
    return crfasrnn


def network(code):
    """``CrfRnnNet`` (21 classes, ten iterations) on a drawn image; ``unary`` is FCN-8s alone."""
    package = author(code)
    net = fill(package.crfasrnn_model.CrfRnnNet(), scale=SCALE)
    rgb = picture(72, 88)
    inputs = torch.from_numpy(rgb[..., ::-1].astype(np.float32) - MEAN).permute(2, 0, 1)[None].contiguous()
    unary = package.fcn8s.Fcn8s.forward(net, inputs)
    output = net.crfrnn(inputs, unary)
    return dict(described(net, scale=SCALE, src=f'{REPOSITORY}@24899c528981 CrfRnnNet()'), image=rgb,
                unary=strided(unary, STEP), output=strided(output, STEP), step=np.array(STEP))


def picture(height, width):
    """Smooth colours with a few hard edges, RGB uint8: kernels 3 colour levels wide see both."""
    rng = np.random.default_rng(5)
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, 5, 6)))
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode='bilinear', align_corners=True)
    image = smooth[0].permute(1, 2, 0).numpy() * .3 + 60
    image[height // 3:, : width // 2] += 40
    image[: height // 2, width // 3:] -= 30
    return (image + rng.normal(0, 2, image.shape)).round().clip(0, 255).astype(np.uint8)


if __name__ == '__main__':
    sys.exit(main(dict(crf_fcn8s=network), __doc__))
