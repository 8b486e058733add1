"""The three matrices of CRF-as-RNN, as a file for the refiner alone; ``fcn.py`` has the whole network.

All code computes ``compatibility @ (spatial @ S + bilateral @ B)``, but crfasrnn_pytorch adds it to the unary logits
(and starts at +I), while the Keras and Caffe layers subtract it (and start at -I). We add.
"""
from typing import Tuple

from torch import Tensor

from ..engine import Drop, Layout, Rule


def _matrix(value: Tensor) -> Tensor:
    return value.reshape(value.shape[-2:])  # Caffe's blobs are (1, 1, C, C)


def _negated(value: Tensor) -> Tensor:
    return -_matrix(value)


def refuse_other_forms(source, target):
    """A sentence if the refiner does not learn three matrices over classes."""
    shape = tuple(target['refiner.spatial_weight'].shape)
    if len(shape) == 2 and 'refiner.compatibility' in target:
        return None
    return (f'the file holds matrices over classes, the refiner has kernel weights of shape {shape} and '
            f'{"a" if "refiner.compatibility" in target else "no"} learned compatibility: set refiner=dict('
            "weights='full', learn_compatibility=True, normalization='after', bilateral_sigma_xy=160, "
            'bilateral_sigma_rgb=3), what these files were trained with')


def _rules(spatial: str, bilateral: str, compatibility: str, subtracts: bool) -> Tuple[Rule, ...]:
    return (Rule(spatial, 'refiner.spatial_weight', _matrix), Rule(bilateral, 'refiner.bilateral_weight', _matrix),
            Rule(compatibility, 'refiner.compatibility', _negated if subtracts else _matrix))


def _layout(name: str, source: str, spatial: str, bilateral: str, compatibility: str, subtracts: bool) -> Layout:
    own = '|'.join((spatial, bilateral, compatibility))
    return Layout(
        name=name,
        source=source,
        signature=(spatial, bilateral, compatibility),
        target_signature=(r'refiner\.spatial_weight', ),
        rules=_rules(spatial, bilateral, compatibility, subtracts),
        drops=(Drop(rf'(?!(?:{own})$).*', "the network's own weights, which have layouts of their own"), ),
        scope='refiner.',
        refuse=refuse_other_forms)


PYTORCH = (r'crfrnn\.spatial_ker_weights', r'crfrnn\.bilateral_ker_weights', r'crfrnn\.compatibility_matrix')
PYTORCH_RULES = _rules(*PYTORCH, subtracts=False)

LAYOUTS = (
    _layout('crfasrnn-pytorch', 'sadeepj/crfasrnn_pytorch 24899c52', *PYTORCH, subtracts=False),
    _layout(
        'crfasrnn-keras',
        'sadeepj/crfasrnn_keras 2f2c496d (h5 data sets saved as tensors under their paths)',
        r'(?:.*/)spatial_ker_weights(?::0)?',
        r'(?:.*/)bilateral_ker_weights(?::0)?',
        r'(?:.*/)compatibility_matrix(?::0)?',
        subtracts=True),
    _layout(
        'crfasrnn-caffe',
        'torrvision/crfasrnn 16df7840 (blobs saved as tensors under layer.index)',
        r'inference1\.0',
        r'inference1\.1',
        r'inference1\.2',
        subtracts=True),
)
