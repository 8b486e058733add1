import pytest
import torch

from segfusion.models.decode_heads.large_kernel_head import BoundaryRefinement
from tests.references import classic


def test_parity_with_the_port():
    classic.assert_parity('classic_gcn_r50', classic.build('large-kernel_r50'))


@pytest.mark.parametrize('depth, params, gmacs', [(50, 24.126, 15.71), (152, 58.8, 41.8)])
def test_cost(depth, params, gmacs):
    model = classic.build('large-kernel_r50', device='meta', **{'backbone.depth': depth})
    assert classic.parameters(model) / 1e6 == pytest.approx(params, abs=5e-2)
    assert classic.gmacs(model) == pytest.approx(gmacs, abs=5e-2)


def test_refinement_without_its_second_convolution_is_the_identity():
    refine = BoundaryRefinement(3)
    for p in refine.conv2.parameters():
        torch.nn.init.zeros_(p)
    x = torch.randn(1, 3, 5, 7)
    assert torch.equal(refine(x), x)


def test_trains_at_an_odd_size_and_returns_to_it():
    assert classic.assert_trains(classic.build('large-kernel_r50'), 65, 97).shape == (2, 11, 65, 97)
