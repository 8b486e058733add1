"""Caffe's blobs under the names PyTorch gives them."""
from .engine import State

NORM, OTHERS = ('running_mean', 'running_var'), ('weight', 'bias')


def name_blobs(state: State) -> State:
    """Turn ``layer.0``, ``layer.1`` into ``layer.weight``, ``layer.bias``, and vectors with Caffe's leading ones flat.

    A ``BatchNorm`` layer has three blobs: sums of means and of variances, and what to divide them by. Its scale and
    shift are a layer of their own (``Scale``).
    """
    named = {}
    for key, value in state.items():
        layer, _, blob = key.rpartition('.')
        norm = f'{layer}.2' in state
        if norm and blob == '2':
            continue
        if blob in ('0', '1'):
            key = f'{layer}.{(NORM if norm else OTHERS)[int(blob)]}'
            if norm:
                divisor = float(state[f'{layer}.2'])
                value = value / divisor if divisor else value.clone().zero_()
        named[key] = value if key.endswith('.weight') and value.dim() > 1 else value.reshape(-1)
    return named
