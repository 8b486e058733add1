import pytest
import torch
from mmseg.registry import MODELS

from segfusion.convert import LAYOUTS, ConversionError, choose_layout, convert
from segfusion.ops.crf.gaussian_filter import gaussian_filter

PAPER = dict(
    type='CRFAsRNN', num_classes=4, bilateral_sigma_xy=160, bilateral_sigma_rgb=3, spatial_weight=3,
    bilateral_weight=5, weights='full', learn_compatibility=True, normalization='after')
KEYS = {
    'crfasrnn-pytorch': ('crfrnn.spatial_ker_weights', 'crfrnn.bilateral_ker_weights', 'crfrnn.compatibility_matrix'),
    'crfasrnn-keras': ('crfrnn/crfrnn/spatial_ker_weights:0', 'crfrnn/crfrnn/bilateral_ker_weights:0',
                       'crfrnn/crfrnn/compatibility_matrix:0'),
    'crfasrnn-caffe': ('inference1.0', 'inference1.1', 'inference1.2'),
}
NETWORK = {'conv1_1.weight': torch.zeros(2, 3, 3, 3), 'score-fr.bias': torch.zeros(2)}


def target(**change):
    refiner = MODELS.build({**PAPER, **change})
    state = {f'refiner.{k}': v for k, v in refiner.state_dict().items()}
    return refiner, {**state, 'backbone.conv.weight': torch.zeros(1)}


@pytest.mark.parametrize('name', KEYS)
def test_converted_matrices_compute_the_sources_update(name):
    """One iteration, written as each code base writes it."""
    spatial, bilateral, compat = torch.randn(3, 4, 4)
    shape = (1, 1, 4, 4) if name == 'crfasrnn-caffe' else (4, 4)
    source = {**NETWORK, **dict(zip(KEYS[name], (m.reshape(shape) for m in (spatial, bilateral, compat))))}
    refiner, ours = target(iterations=1)
    layout = choose_layout(source, ours, LAYOUTS)
    assert layout.name == name
    state, report = convert(source, ours, layout)
    assert set(report.dropped) == set(NETWORK)
    refiner.load_state_dict(state)

    unary, image = torch.randn(1, 4, 6, 7), (torch.rand(1, 3, 6, 7) * 255).round()
    q = unary.softmax(1)
    s = gaussian_filter(q, 3., normalization='after')
    b = gaussian_filter(q, 160., image, 3., normalization='after')
    message = torch.einsum('ij,njhw->nihw', compat, torch.einsum('ij,njhw->nihw', spatial, s) +
                           torch.einsum('ij,njhw->nihw', bilateral, b))
    expected = unary + message if name == 'crfasrnn-pytorch' else unary - message
    torch.testing.assert_close(refiner(unary, image), expected, atol=1e-5, rtol=1e-5)


def test_potts_of_all_three_is_our_initial_state():
    eye = torch.eye(4)
    for name, sign in (('crfasrnn-pytorch', 1), ('crfasrnn-keras', -1), ('crfasrnn-caffe', -1)):
        refiner, ours = target()
        source = dict(zip(KEYS[name], (3 * eye, 5 * eye, sign * eye)))
        state, _ = convert(source, ours, choose_layout(source, ours, LAYOUTS))
        for key, value in refiner.state_dict().items():
            assert torch.equal(state[key], value), key


def test_a_refiner_with_scalar_weights_is_refused_with_the_remedy():
    source = dict(zip(KEYS['crfasrnn-pytorch'], torch.randn(3, 4, 4)))
    _, ours = target(weights='scalar', learn_compatibility=False)
    with pytest.raises(ConversionError, match="weights='full', learn_compatibility=True"):
        convert(source, ours, choose_layout(source, ours, LAYOUTS))
