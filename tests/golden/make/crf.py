"""CRF-as-RNN: filters, the layer alone, and the whole network on FCN-8s, run by the author's code.

Needs sadeepj/crfasrnn_pytorch at 24899c52 with its extension built in place::

    cd crfasrnn_pytorch/crfasrnn && python setup.py build_ext --inplace
"""
import sys

import numpy as np
import torch

from tests.golden.make.common import checkout, described, fill, main, strided
from tests.references.golden import load

REPOSITORY = 'sadeepj/crfasrnn_pytorch'
WIDTHS = dict(default=(3., 160., 3.), wide=(2., 20., 20.))  # position; position and colour of the other kernel
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


def filters(code):
    """One image at two pairs of bandwidths; ``exact`` sums over all pairs of pixels, in float64."""
    package, stored = author(code), load('crf_filters')
    image, q = (torch.from_numpy(stored[k]) for k in ('image', 'q'))
    ones = torch.ones(1, *q.shape[1:])
    arrays = {k: stored[k] for k in ('image', 'unaries', 'q')}  # drawn once; what follows is computed
    import permuto_cpp
    for name, (gamma, alpha, beta) in WIDTHS.items():
        for kind, kernel in (('spatial', package.filters.SpatialFilter(image[0], gamma)),
                             ('bilateral', package.filters.BilateralFilter(image[0], alpha, beta))):
            features, key = kernel.features.contiguous(), f'{kind}_{name}'
            arrays[f'{key}_raw'] = permuto_cpp.forward(q, features)[0].numpy()
            arrays[f'{key}_ones'] = permuto_cpp.forward(ones, features)[0].numpy()
            arrays[f'{key}_raw_reverse'] = permuto_cpp.backward(q, features)[0].numpy()
            arrays[f'{key}_out'] = kernel.apply(q).numpy()
            arrays[f'{key}_exact'] = exact(features, q).float().numpy()
    return arrays


def exact(features, values):
    """The normalised Gaussian average over all pixels, the pixel itself included."""
    points = features.double().flatten(0, 1)
    kernel = torch.exp(-torch.cdist(points, points).square() / 2)
    return (values.double().flatten(1) @ kernel / kernel.sum(0)).view_as(values)


@torch.enable_grad()
def layer(code):
    """Logits after 1, 5 and 10 iterations, gradients of ``(out * grad_probe).sum()`` after 5."""
    package, stored = author(code), load('crf_rnn')
    drawn = ('image', 'unaries', 'grad_probe', 'rand_spatial', 'rand_bilateral', 'rand_compat')
    arrays = {k: stored[k] for k in drawn}
    image, probe = (torch.from_numpy(stored[k]) for k in ('image', 'grad_probe'))
    names = dict(spatial_ker_weights='rand_spatial', bilateral_ker_weights='rand_bilateral',
                 compatibility_matrix='rand_compat')
    for name in ('default', 'rand'):
        for iterations in (1, 5, 10):
            crf = package.crfrnn.CrfRnn(5, iterations)
            if name == 'rand':
                crf.load_state_dict({k: torch.from_numpy(stored[v]) for k, v in names.items()})
            unaries = torch.from_numpy(stored['unaries']).requires_grad_()
            out = crf(image, unaries)
            key = f'{name}_T{iterations}'
            arrays[f'out_{key}'] = out.detach().numpy()
            if iterations == 5:
                (out * probe).sum().backward()
                arrays[f'grad_unary_{key}'] = unaries.grad.numpy()
                arrays.update({f'grad_{k}_{key}': p.grad.numpy() for k, p in crf.named_parameters()})
                arrays[f'exact_{key}'] = exact_mean_field(package, crf, image, unaries.detach()).float().numpy()
    return arrays


@torch.no_grad()
def exact_mean_field(package, crf, image, unaries):
    """The same iterations with sums over all pairs of pixels, in float64."""
    weights = [getattr(crf, k).double() for k in
               ('spatial_ker_weights', 'bilateral_ker_weights', 'compatibility_matrix')]
    kernels = [package.filters.SpatialFilter(image[0], 3.).features,
               package.filters.BilateralFilter(image[0], 160., 3.).features]
    unary = unaries[0].double()
    logits = unary
    for _ in range(crf.num_iterations):
        q = logits.softmax(0)
        message = sum(torch.einsum('ij,jhw->ihw', w, exact(f, q)) for w, f in zip(weights, kernels))
        logits = unary + torch.einsum('ij,jhw->ihw', weights[2], message)
    return logits[None]


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
    sys.exit(main(dict(crf_filters=filters, crf_rnn=layer, crf_fcn8s=network), __doc__))
