import numpy as np
import pytest
import torch

from segfusion.models.fusion import AFFusion, IterativeAFFusion


def randomise(module):
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            torch.nn.init.uniform_(value, 0.5, 1.5) if 'running_var' in name else torch.nn.init.normal_(value)
    return module.double().eval()


def attention(branch, z):
    """Two 1x1 convolutions with norm, written out for one map (C, H, W) in numpy."""
    if branch.whole:
        z = z.mean((1, 2), keepdims=True)
    for i, layer in enumerate(branch):
        state = {k: v.numpy() for k, v in layer.state_dict().items()}
        z = np.einsum('oc,chw->ohw', state['conv.weight'][:, :, 0, 0], z) + state['conv.bias'][:, None, None]
        scale = state['bn.weight'] / np.sqrt(state['bn.running_var'] + 1e-5)
        z = (z - state['bn.running_mean'][:, None, None]) * scale[:, None, None] + state['bn.bias'][:, None, None]
        z = z if i else np.maximum(z, 0)
    return z


def choose(local, whole, z, fine, coarse):
    gate = 1 / (1 + np.exp(-attention(local, z) - attention(whole, z)))
    return gate * fine + (1 - gate) * coarse


@pytest.mark.parametrize('scale', [1., 2.])
def test_aff_is_its_equation(scale):
    fusion = randomise(AFFusion(8, scale=scale))
    coarse, fine = torch.randn(2, 1, 8, 5, 7).double()
    c, f = coarse[0].numpy(), fine[0].numpy()
    expected = scale * choose(fusion.local_attention, fusion.global_attention, f + c, f, c)
    with torch.no_grad():
        np.testing.assert_allclose(fusion(coarse, fine)[0].numpy(), expected, atol=1e-11)


@pytest.mark.parametrize('shared', [False, True])
def test_iterative_aff_is_its_equation(shared):
    fusion = randomise(IterativeAFFusion(8, shared_second_pass=shared))
    coarse, fine = torch.randn(2, 1, 8, 5, 7).double()
    c, f = coarse[0].numpy(), fine[0].numpy()
    z = choose(fusion.local_attention, fusion.global_attention, f + c, f, c)
    whole = fusion.global_attention if shared else fusion.global_attention2
    with torch.no_grad():
        np.testing.assert_allclose(
            fusion(coarse, fine)[0].numpy(), choose(fusion.local_attention2, whole, z, f, c), atol=1e-11)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_sizes_are_the_authors():
    assert parameters(AFFusion(64)) == 4576 and parameters(AFFusion(256)) == 67456
    assert parameters(IterativeAFFusion(64)) == 2 * 4576
    assert parameters(IterativeAFFusion(64, shared_second_pass=True)) == 3 * 4576 // 2


def test_undecided_is_the_sum_or_the_mean():
    coarse, fine = torch.randn(2, 2, 4, 3, 5).double()
    for fusion, expected in ((AFFusion(4), fine + coarse), (AFFusion(4, scale=1.), (fine + coarse) / 2),
                             (IterativeAFFusion(4), (fine + coarse) / 2)):
        for p in fusion.double().parameters():
            torch.nn.init.zeros_(p)
        torch.testing.assert_close(fusion(coarse, fine), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize('fusion', [AFFusion(4), IterativeAFFusion(4), IterativeAFFusion(4, shared_second_pass=True)])
def test_every_parameter_gets_a_gradient(fusion):
    fusion(*torch.randn(2, 3, 4, 5, 7)).square().mean().backward()
    assert not [name for name, p in fusion.named_parameters() if p.grad is None]


def test_a_batch_of_one_is_refused_in_training_only():
    fusion, maps = AFFusion(4), torch.randn(2, 1, 4, 5, 7)
    with pytest.raises(ValueError, match='at least two samples a batch-norm group, got 1. Use batch_size >= 2'):
        fusion(*maps)
    assert fusion.eval()(*maps).isfinite().all()
    assert AFFusion(8, norm_cfg=dict(type='GN', num_groups=1))(*torch.randn(2, 1, 8, 5, 7)).isfinite().all()
