import pytest
import torch
from mmseg.models.utils import resize
from mmseg.registry import MODELS

from segfusion.models.align import BilinearAlign, FlowAlign
from tests.references import golden

NAMES = dict(down_h='coarse_reduce', down_l='fine_reduce', flow_make='flow_conv')


def authors_module(data, tag):
    align = FlowAlign(8, align_corners=True)
    state = {f'{NAMES[k.split(".")[0]]}.weight': v for k, v in golden.module_state(data, tag).items()}
    align.load_state_dict(state)
    return align.eval()


@pytest.mark.parametrize('tag', ['fam', 'fam_odd'])
def test_parity_with_the_authors_module(tag):
    data = golden.load('modules')
    fine, coarse = (torch.from_numpy(data[f'{tag}/in{i}']) for i in (0, 1))
    align = authors_module(data, tag)
    flows = []
    align.flow_conv.register_forward_hook(lambda m, i, o: flows.append(o))
    with torch.no_grad():
        warped, same = align(coarse, fine)
    golden.assert_parity(warped, data[f'{tag}/out0'])
    golden.assert_parity(flows[0], data[f'{tag}/tap_flow_make'])
    assert same is fine


@pytest.mark.parametrize('align_corners', [True, False])
def test_zero_flow_is_bilinear_inside(align_corners):
    """At the border only ``align_corners=True`` keeps every sample inside the map; the released code pads zeros."""
    align = FlowAlign(6, align_corners=align_corners).double()
    torch.nn.init.zeros_(align.flow_conv.weight)
    coarse, fine = torch.randn(2, 6, 5, 7).double(), torch.randn(2, 6, 9, 13).double()
    ours, _ = align(coarse, fine)
    expected = resize(coarse, size=(9, 13), mode='bilinear', align_corners=align_corners)
    inner = slice(None) if align_corners else slice(1, -1)
    torch.testing.assert_close(ours[:, :, inner, inner], expected[:, :, inner, inner], atol=1e-12, rtol=0)


def test_gradients():
    align = FlowAlign(2, align_corners=True).double()
    with torch.no_grad():
        align.flow_conv.weight.mul_(0.1)
    coarse = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    fine = torch.randn(1, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c, f: align(c, f)[0], (coarse, fine))


def test_autocast_agrees_with_float32():
    align = FlowAlign(8, align_corners=True)
    coarse, fine = torch.randn(1, 8, 8, 128), torch.randn(1, 8, 16, 256)
    exact, _ = align(coarse, fine)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half, _ = align(coarse, fine)
    # The flow itself is rounded by the bfloat16 convolution; the positions are not.
    assert (half - exact).abs().mean() < 0.02 * exact.abs().mean()


def test_fine_must_not_be_smaller():
    with pytest.raises(ValueError, match='fine level to be at least as large'):
        FlowAlign(4, align_corners=True)(torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 4, 4))


def test_misspelt_argument_is_refused():
    with pytest.raises(TypeError, match='mid_chanels'):
        MODELS.build(dict(type='FlowAlign', channels=4, align_corners=True, mid_chanels=2))


def test_bilinear_is_resize():
    coarse, fine = torch.randn(1, 4, 3, 5), torch.randn(1, 4, 7, 9)
    ours, same = BilinearAlign(align_corners=False)(coarse, fine)
    assert torch.equal(ours, resize(coarse, size=(7, 9), mode='bilinear', align_corners=False))
    assert same is fine
