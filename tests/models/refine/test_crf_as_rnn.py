import warnings

import pytest
import torch
from mmseg.registry import MODELS

from segfusion.models.refine import CRFAsRNN
from tests.references.golden import load

PAPER = dict(
    type='CRFAsRNN', bilateral_sigma_xy=160, bilateral_sigma_rgb=3, spatial_weight=3, bilateral_weight=5,
    weights='full', learn_compatibility=True, normalization='after')


def scene(classes=4, size=(9, 12), images=2):
    return torch.randn(images, classes, *size), (torch.rand(images, 3, *size) * 255).round()


def test_papers_settings_equal_crfasrnn_pytorch():
    data = {k: torch.from_numpy(v) for k, v in load('crf_rnn').items()}
    crf = MODELS.build(dict(PAPER, num_classes=5))
    image, logits = data['image'], data['unaries']
    torch.testing.assert_close(crf.train()(logits, image), data['out_default_T5'], atol=1e-5, rtol=1e-6)
    torch.testing.assert_close(crf.eval()(logits, image), data['out_default_T10'], atol=1e-5, rtol=1e-6)
    with torch.no_grad():
        crf.spatial_weight.copy_(data['rand_spatial'])
        crf.bilateral_weight.copy_(data['rand_bilateral'])
        crf.compatibility.copy_(data['rand_compat'])
    torch.testing.assert_close(crf.train()(logits, image), data['out_rand_T5'], atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize('weights', ['scalar', 'diagonal', 'full'])
@pytest.mark.parametrize('compatibility', [False, True])
def test_all_forms_of_weights_start_at_the_same_function(weights, compatibility):
    logits, image = scene()
    plain = MODELS.build(dict(type='CRFAsRNN', num_classes=4))
    other = MODELS.build(
        dict(type='CRFAsRNN', num_classes=4, weights=weights, learn_compatibility=compatibility, save='lean'))
    torch.testing.assert_close(other(logits, image), plain(logits, image), atol=1e-4, rtol=1e-5)
    other(logits, image).square().mean().backward()
    for name, parameter in other.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_compatibility_scales_columns_of_diagonal_weights():
    crf = MODELS.build(dict(type='CRFAsRNN', num_classes=3, weights='diagonal', learn_compatibility=True))
    full = MODELS.build(dict(type='CRFAsRNN', num_classes=3, weights='full', learn_compatibility=True))
    with torch.no_grad():
        for name in ('spatial_weight', 'bilateral_weight'):
            getattr(crf, name).copy_(torch.randn(3))
            getattr(full, name).copy_(getattr(crf, name).diag())
        full.compatibility.copy_(crf.compatibility.copy_(torch.randn(3, 3)))
    for a, b in zip(crf.compatibilities(), full.compatibilities()):
        torch.testing.assert_close(a, b)


def test_default_weights_do_not_blow_up_gradients():
    # Two classes in balance are the worst case: their softmax passes on half of what arrives.
    _, image = scene(2, (12, 13), 1)
    norms = {}
    for name, weights in (('default', {}), ('pydensecrf', dict(spatial_weight=3., bilateral_weight=10.))):
        logits = (torch.randn(1, 2, 12, 13) * 1e-4).requires_grad_()
        crf = MODELS.build(dict(type='CRFAsRNN', num_classes=2, **weights))
        probe = torch.tensor([1., -1.]).view(1, 2, 1, 1).expand(1, 2, 12, 13)
        (crf(logits, image) * probe).sum().backward()
        norms[name] = (logits.grad.norm() / probe.norm()).item()
    assert norms['default'] <= sum(2.**t for t in range(6))  # U enters at each of the five iterations
    assert norms['pydensecrf'] > 1e3


def test_zero_weights_are_identity():
    logits, image = scene()
    crf = MODELS.build(dict(type='CRFAsRNN', num_classes=4, spatial_weight=0., bilateral_weight=0.))
    assert torch.equal(crf(logits, image), logits)


def test_one_logit_is_two_classes():
    logits, image = scene(1)
    one = MODELS.build(dict(type='CRFAsRNN', num_classes=1)).eval()(logits, image)
    two = MODELS.build(dict(type='CRFAsRNN', num_classes=2)).eval()(
        torch.cat([torch.zeros_like(logits), logits], 1), image)
    torch.testing.assert_close(one.sigmoid(), two.softmax(1)[:, 1:])


def test_bandwidths_can_be_learned_and_are_off_by_default():
    logits, image = scene(3, (7, 8), 1)
    assert MODELS.build(dict(type='CRFAsRNN', num_classes=3)).log_sigmas is None
    crf = MODELS.build(dict(type='CRFAsRNN', num_classes=3, learn_bandwidths=True))
    assert crf.log_sigmas.exp().tolist() == pytest.approx([3, 80, 13])
    crf(logits, image).square().mean().backward()
    assert (crf.log_sigmas.grad != 0).all()
    with torch.no_grad():
        expected = MODELS.build(dict(type='CRFAsRNN', num_classes=3))(logits, image)
        torch.testing.assert_close(crf(logits, image), expected, atol=1e-4, rtol=1e-4)


def test_state_dict_round_trip():
    logits, image = scene()
    crf = MODELS.build(dict(PAPER, num_classes=4))
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
    other = MODELS.build(dict(PAPER, num_classes=4))
    other.load_state_dict(crf.state_dict())
    assert torch.equal(crf(logits, image), other(logits, image))


def test_single_precision_under_autocast():
    logits, image = scene()
    crf = MODELS.build(dict(PAPER, num_classes=4))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = crf(logits, image)
    assert torch.equal(out, crf(logits, image))


@pytest.mark.parametrize('change, message', [
    (dict(weights='vector'), 'expected weights in'),
    (dict(normalization='l2'), 'expected normalization in'),
    (dict(method='fast'), 'expected method in'),
    (dict(save='all'), 'expected save in'),
    (dict(iterations=-1), 'test_iterations >= 0'),
    (dict(bilateral_sigma_rgb=0), 'positive bandwidths'),
])
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(dict(type='CRFAsRNN', num_classes=4), **change))


def test_wrong_number_of_classes():
    logits, image = scene(4)
    with pytest.raises(ValueError, match='set num_classes of the refiner'):
        MODELS.build(dict(type='CRFAsRNN', num_classes=5))(logits, image)


def test_colours_that_are_not_levels_are_warned_of_once():
    refine, logits = CRFAsRNN(num_classes=2), torch.randn(1, 2, 5, 7)
    image = torch.rand(1, 3, 5, 7)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        refine(logits, torch.zeros_like(image))  # a black image says nothing
        refine(logits, image)
        refine(logits, image)
        CRFAsRNN(num_classes=2)(logits, 255 * image)
    assert len(seen) == 1 and 'colour levels 0..255, got values from 0' in str(seen[0].message)
    with pytest.warns(UserWarning, match='undo the normalisation'):
        CRFAsRNN(num_classes=2)(logits, 5 * image - 2)
