"""A few layers of Caffe, enough to run the prototxt files of SegNet-Basic and G-FRNet with torch operations.

Sizes that a file fixes for its own input (``Interp`` to 45x60, ``pad_out_h``) are replaced by what they are there for:
the size of the map the result meets next, or had before its pooling.
"""
import re
from typing import Dict, List

import torch.nn.functional as F
from torch import Tensor, cat


def parse(text: str) -> Dict[str, list]:
    """Nested messages as dicts of lists."""
    tokens = iter(re.findall(r'[{}]|"[^"]*"|[^\s{}:"]+', re.sub(r'#.*', '', text)))

    def message():
        fields: Dict[str, list] = {}
        for token in tokens:
            if token == '}':
                break
            value = next(tokens)
            fields.setdefault(token, []).append(message() if value == '{' else value.strip('"'))
        return fields

    return message()


class Prototxt:
    """The layers of a file in its order; weights go by ``layer.weight``, ``.bias``, ``.running_mean``, ..."""

    def __init__(self, text: str):
        self.layers: List[dict] = [
            {k: v[0] if k in ('name', 'type') or k.endswith('_param') else v for k, v in layer.items()}
            for layer in parse(text)['layer'] if 'bottom' in layer
        ]

    def shapes(self, channels: int) -> Dict[str, tuple]:
        """Of all weights, in the file's order, for an image of so many channels."""
        width, shapes = {'data': channels}, {}
        for layer in self.layers:
            inner, name = [width.get(b, 0) for b in layer['bottom']], layer['name']
            outer = sum(inner) if layer['type'] == 'Concat' else inner[0]
            if layer['type'] == 'Convolution':
                outer, size = (int(layer['convolution_param'][k][0]) for k in ('num_output', 'kernel_size'))
                shapes.update({f'{name}.weight': (outer, inner[0], size, size), f'{name}.bias': (outer, )})
            elif layer['type'] == 'BN':
                shapes.update({f'{name}.{k}': (outer, ) for k in ('weight', 'bias', 'running_mean', 'running_var')})
            width.update(dict.fromkeys(layer['top'], outer))
        return shapes

    def run(self, image: Tensor, weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """Every blob; one that several layers write in place has its last value."""
        blobs, before = dict(data=image), {}
        for index, layer in enumerate(self.layers):
            kind, name = layer['type'], layer['name']
            x, *others = (blobs[b] for b in layer['bottom'])
            own = {k[len(name) + 1:]: v for k, v in weights.items() if k.rpartition('.')[0] == name}
            if kind == 'Convolution':
                padding = int(layer['convolution_param'].get('pad', [0])[0])
                y = F.conv2d(x, own['weight'], own['bias'], padding=padding)
            elif kind == 'BN':
                y = F.batch_norm(x, own['running_mean'], own['running_var'], own['weight'], own['bias'])
            elif kind == 'ReLU':
                y = F.relu(x)
            elif kind == 'LRN':
                param = layer['lrn_param']
                y = F.local_response_norm(
                    x, int(param['local_size'][0]), float(param['alpha'][0]), float(param['beta'][0]))
            elif kind == 'Pooling':
                y, indices = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
                if len(layer['top']) == 2:
                    blobs[layer['top'][1]], before[layer['top'][1]] = indices, x.shape[2:]
            elif kind == 'Upsample':
                y = F.max_unpool2d(x, others[0], 2, 2, output_size=before[layer['bottom'][1]])
            elif kind == 'Interp':
                y = F.interpolate(x, size=self._met(index, blobs), mode='bilinear', align_corners=True)
            elif kind == 'Eltwise':
                y = x * others[0]  # PROD
            elif kind == 'Concat':
                y = cat([x, *others], 1)
            elif kind in ('Dropout', 'Softmax'):
                y = x
            else:
                raise NotImplementedError(f'{name}: layer type {kind}')
            blobs[layer['top'][0]] = y
        return blobs

    def _met(self, index: int, blobs: Dict[str, Tensor]):
        """Size of the blob that an interpolated one is multiplied or concatenated with, perhaps not yet computed."""
        top = self.layers[index]['top'][0]
        user = next(layer for layer in self.layers[index + 1:] if top in layer['bottom'])
        other, = (b for b in user['bottom'] if b != top)
        return self._size(other, blobs)

    def _size(self, blob: str, blobs: Dict[str, Tensor]):
        """Of a blob, or of what it is made of other than by interpolation."""
        if blob in blobs:
            return blobs[blob].shape[2:]
        maker = next(layer for layer in self.layers if blob in layer['top'])
        sources = maker['bottom'] if maker['type'] != 'Interp' else ()
        return next(filter(None, (self._size(source, blobs) for source in sources)), None)
