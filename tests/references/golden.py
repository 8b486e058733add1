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


def features(channels, height=128, width=192):
    """Drawn non-negative backbone levels at strides 4, 8, 16, 32 of an image of this size."""
    rng = np.random.default_rng(1)
    return [
        torch.from_numpy(
            np.abs(rng.standard_normal((1, c, height // (4 << i), width // (4 << i)))).astype(np.float32))
        for i, c in enumerate(channels)
    ]


def module_state(golden, tag):
    """State dict of one single module of ``modules.npz``, under its own key names without the tag."""
    keys = json.loads(str(golden['mod_keys']))[tag]
    shapes = json.loads(str(golden['mod_shapes']))[tag]
    state = {}
    for key, shape in zip(keys, shapes):
        counter = key.endswith('num_batches_tracked')
        state[key[len(tag) + 1:]] = torch.zeros((), dtype=torch.long) if counter else torch.from_numpy(
            draw(key, tuple(shape)))
    return state


def converted(model, golden, wrap=True):
    """Load the reference's drawn weights into ``model`` through the converter, as from the authors' file."""
    from segfusion.convert import LAYOUTS, choose_layout, convert, strip_wrapper
    state = reference_state(golden)
    if wrap:
        state = dict(state_dict={f'module.{k}': v for k, v in state.items()}, optimizer={}, epoch=1, mean_iu=0.)
    state = strip_wrapper(state)
    wanted = model.state_dict()
    result, report = convert(state, wanted, choose_layout(state, wanted, LAYOUTS))
    model.load_state_dict(result)
    return model.eval(), report


def assert_parity(ours, reference, tolerance=1e-4):
    """``max |ours - reference|`` relative to the standard deviation of the reference."""
    reference = torch.as_tensor(np.asarray(reference))
    assert ours.shape == reference.shape, (ours.shape, reference.shape)
    error = ((ours - reference).abs().max() / reference.std()).item()
    assert error <= tolerance, f'relative error {error:.2e} > {tolerance:.0e}'
