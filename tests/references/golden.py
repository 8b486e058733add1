"""Weights and inputs of the stored reference outputs (see tests/golden/README.md)."""
import json
import zlib
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).parents[1] / 'golden'


def load(name):
    """The arrays of ``tests/golden/<name>.npz``."""
    with np.load(GOLDEN / f'{name}.npz') as data:
        return dict(data)


def draw(key, shape):
    """The tensor that the rule gives to a reference parameter of this name and shape."""
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    if key.endswith('running_mean') or key.endswith('.bias'):
        value = rng.uniform(-0.1, 0.1, shape)
    elif key.endswith('running_var'):
        value = rng.uniform(0.5, 1.5, shape)
    elif key.endswith('.weight') and len(shape) >= 2:
        value = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    elif key.endswith('.weight'):
        value = rng.uniform(0.5, 1.5, shape)
    else:
        value = rng.standard_normal(shape) * 0.1
    return np.asarray(value).astype(np.float32)


def reference_state(golden):
    """The state dict of the reference network, under its own key names."""
    keys = [str(k) for k in golden['keys']]
    shapes = json.loads(str(golden['shapes']))
    shapes = [shapes[k] for k in keys] if isinstance(shapes, dict) else shapes
    scale = json.loads(str(golden['scale'])) if 'scale' in golden else {}
    alias = json.loads(str(golden['alias'])) if 'alias' in golden else {}
    state = {}
    for key, shape in zip(keys, shapes):
        if key.endswith('num_batches_tracked'):
            state[key] = torch.zeros(tuple(shape), dtype=torch.long)
            continue
        first = alias.get(key, key)
        state[key] = torch.from_numpy(draw(first, tuple(shape)) * np.float32(scale.get(first, 1.0)))
    return state


def image(height, width):
    """The normalised input image (1, 3, height, width)."""
    return torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, height, width)).astype(np.float32))


def assert_parity(ours, reference, tolerance=1e-4):
    """``max |ours - reference|`` relative to the standard deviation of the reference."""
    reference = torch.as_tensor(np.asarray(reference))
    assert ours.shape == reference.shape, (ours.shape, reference.shape)
    error = ((ours - reference).abs().max() / reference.std()).item()
    assert error <= tolerance, f'relative error {error:.2e} > {tolerance:.0e}'
