import pytest
import torch
import torch.nn.functional as F
from mmseg.models.utils import resize

from segfusion.models.context import AlignedContext
from segfusion.models.expose import watch
from tests.references import golden

BN = dict(type='BN')
STORED = dict(released='out0', released_corners='out0_gs_true', corrected='out0_v2')
NAMES = {
    'pool.1': 'scene.0.conv', 'pool.2': 'scene.0.bn', 'pool.3': 'scene.1.conv', 'pool.4': 'scene.1.bn',
    'adapt.0': 'local.0.conv', 'adapt.1': 'local.0.bn', 'adapt.2': 'local.1.conv', 'adapt.3': 'local.1.bn',
    'delta_gen.0': 'offset_reduce.conv', 'delta_gen.1': 'offset_reduce.bn', 'delta_gen.2': 'offset_conv'
}  # yapf: disable


@pytest.mark.parametrize('sampler', STORED)
def test_parity_with_the_authors_module(sampler):
    data = golden.load('modules')
    context = AlignedContext(16, 8, align_corners=True, sampler=sampler, norm_cfg=BN).eval()
    state = golden.module_state(data, 'aligncm')
    context.load_state_dict({f'{NAMES[k.rsplit(".", 1)[0]]}.{k.rsplit(".", 1)[1]}': v for k, v in state.items()})
    x = torch.from_numpy(data['aligncm/in0'])
    with torch.no_grad():
        golden.assert_parity(context(x), data[f'aligncm/{STORED[sampler]}'])
        scene = context.scene(context.pool(x))
        golden.assert_parity(scene, data['aligncm/tap_pool'])
        golden.assert_parity(context.delta(scene, context.local(x)), data['aligncm/tap_delta_gen'])


@pytest.mark.parametrize('pool_size', [1, 3])
def test_it_begins_as_the_sum_of_both_branches_resized(pool_size):
    context = AlignedContext(3, 4, align_corners=True, pool_size=pool_size, norm_cfg=BN).double().eval()
    x = torch.randn(2, 3, 7, 9).double()
    scene = context.scene(F.adaptive_avg_pool2d(x, pool_size))
    expected = context.local(x) + resize(scene, size=(7, 9), mode='bilinear', align_corners=True)
    torch.testing.assert_close(context(x), expected, atol=1e-12, rtol=0)


def test_a_constant_map_stays_constant_inside():
    """Zero padding of the 3x3 convolutions reaches one pixel, and the outer ring of the 3x3 scene map."""
    context = AlignedContext(3, 4, align_corners=True, norm_cfg=BN).eval()
    for branch in (context.scene, context.local):
        weight = branch[1].conv.weight.data
        weight.copy_(F.pad(weight[:, :, 1:2, 1:2], (1, 1, 1, 1)))
    y = context(torch.full((1, 3, 7, 9), 0.7))
    torch.testing.assert_close(y, y[:, :, :1, :1].expand_as(y))


def test_gradients():
    context = AlignedContext(2, 2, align_corners=True, norm_cfg=BN).double().eval()
    torch.nn.init.normal_(context.offset_conv.weight, std=0.1)
    x = torch.randn(1, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(context, (x, ))


def test_every_parameter_gets_a_gradient_on_the_smallest_map():
    context = AlignedContext(3, 4, align_corners=True, norm_cfg=BN)
    torch.nn.init.normal_(context.offset_conv.weight, std=0.1)
    with watch(context) as seen:
        context(torch.randn(2, 3, 2, 1)).square().mean().backward()
    assert seen['offset'].shape == (2, 2, 2, 1)
    assert not [name for name, p in context.named_parameters() if p.grad is None]


def test_errors():
    with pytest.raises(ValueError, match='in_channels=8.*got a map with 3 channels'):
        AlignedContext(8, 4, align_corners=True)(torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match="unknown sampler 'v2'"):
        AlignedContext(8, 4, align_corners=True, sampler='v2')
