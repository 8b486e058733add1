import pytest
import torch
from mmcv.cnn import fuse_conv_bn
from mmseg.models.utils import resize

from segfusion.convert.layouts.alignseg import merge_branches
from segfusion.models.align import DualOffsetAlign
from segfusion.models.expose import watch
from tests.references import golden

BN = dict(type='BN')
STORED = dict(released='out0', released_corners='out0_gs_true', corrected='out0_v2')
NAMES = {'0': 'offset_reduce.conv', '1': 'offset_reduce.bn', '2': 'offset_conv'}


def authors_module(data, tag, sampler):
    align = DualOffsetAlign(8, align_corners=True, sampler=sampler, norm_cfg=BN)
    state = merge_branches({f'CAB.{k}': v for k, v in golden.module_state(data, tag).items()})
    align.load_state_dict({f'{NAMES[k.split(".")[2]]}.{k.split(".")[3]}': v for k, v in state.items()})
    return align.eval()


def pair(n=2, channels=6, coarse=(5, 7), fine=(9, 13), dtype=torch.float64):
    return torch.randn(n, channels, *coarse, dtype=dtype), torch.randn(n, channels, *fine, dtype=dtype)


@pytest.mark.parametrize('tag', ['alignfa', 'alignfa_same'])
@pytest.mark.parametrize('sampler', STORED)
def test_parity_with_the_authors_module(tag, sampler):
    data = golden.load('modules')
    fine, coarse = (torch.from_numpy(data[f'{tag}/in{i}']) for i in (0, 1))
    align = authors_module(data, tag, sampler)
    with torch.no_grad():
        golden.assert_parity(sum(align(coarse, fine)), data[f'{tag}/{STORED[sampler]}'])
        for delta, name in zip(align.deltas(coarse, fine), ('delta_gen1', 'delta_gen2')):
            golden.assert_parity(delta, data[f'{tag}/tap_{name}'])


@pytest.mark.parametrize('align_corners', [True, False])
def test_it_begins_as_bilinear_resizing(align_corners):
    """Both are on the fine grid when they are warped, so no border fades in either grid convention."""
    align = DualOffsetAlign(6, align_corners=align_corners, norm_cfg=BN).double()
    coarse, fine = pair()
    ours, same = align(coarse, fine)
    expected = resize(coarse, size=(9, 13), mode='bilinear', align_corners=align_corners)
    torch.testing.assert_close(ours, expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(same, fine, atol=1e-12, rtol=0)


def test_each_level_moves_by_its_own_offset():
    """Branch biases of (1, 0) and (0, -2) pixels: the coarse level comes from the right, the fine one from above."""
    align = DualOffsetAlign(2, align_corners=True, norm_cfg=None, act_cfg=None).double()
    torch.nn.init.zeros_(align.offset_reduce.conv.weight)
    torch.nn.init.ones_(align.offset_reduce.conv.bias)
    with torch.no_grad():
        align.offset_conv.weight[0, 0, 1, 1] = 1  # dx of the coarse level
        align.offset_conv.weight[3, 0, 1, 1] = -2  # dy of the fine level
    coarse, fine = pair(1, 2, (4, 5), (4, 5))
    moved_coarse, moved_fine = align(coarse, fine)
    torch.testing.assert_close(moved_coarse[..., :-1], coarse[..., 1:])
    assert moved_coarse[..., -1].abs().max() < 1e-12
    torch.testing.assert_close(moved_fine[..., 2:, :], fine[..., :-2, :])
    assert moved_fine[..., :2, :].abs().max() < 1e-12


def test_gradients():
    align = DualOffsetAlign(2, align_corners=True, norm_cfg=BN).double().eval()
    torch.nn.init.normal_(align.offset_conv.weight, std=0.1)
    levels = [x.requires_grad_() for x in pair(1, 2, (2, 2), (3, 4))]
    assert torch.autograd.gradcheck(lambda c, f: sum(align(c, f)), levels)


def test_the_offset_convolution_of_training_is_the_grouped_one():
    """Also its gradients, in float64 on a map that is not square."""
    conv = DualOffsetAlign(3, align_corners=True).double().offset_conv
    torch.nn.init.normal_(conv.weight)
    x = torch.randn(1, 6, 5, 7, dtype=torch.float64, requires_grad=True)
    grouped = torch.nn.functional.conv2d(x, conv.weight, padding=1, groups=2)
    torch.testing.assert_close(conv(x), grouped)
    weigh = torch.randn_like(grouped)
    for ours, theirs in zip(*(torch.autograd.grad((y * weigh).sum(), (x, conv.weight)) for y in (conv(x), grouped))):
        torch.testing.assert_close(ours, theirs)


def test_every_parameter_gets_a_gradient():
    align = DualOffsetAlign(4, align_corners=True, norm_cfg=BN)
    torch.nn.init.normal_(align.offset_conv.weight, std=0.1)
    sum(align(*pair(channels=4, dtype=torch.float32))).square().mean().backward()
    assert all(p.grad.abs().sum() > 0 for p in align.parameters())


def test_folding_the_norm_changes_nothing():
    """Only the fine half of the convolution may carry the folded bias."""
    data = golden.load('modules')
    fine, coarse = (torch.from_numpy(data[f'alignfa/in{i}']) for i in (0, 1))
    align = fuse_conv_bn(authors_module(data, 'alignfa', 'corrected'))
    assert align.offset_reduce.conv.bias.abs().max() > 0.01
    with torch.no_grad():
        golden.assert_parity(sum(align(coarse, fine)), data['alignfa/out0_v2'])


def test_offsets_are_exposed_in_fine_pixels():
    align = DualOffsetAlign(4, align_corners=True)
    with watch(align) as seen:
        align(*pair(channels=4, dtype=torch.float32))
    assert seen['offset'].shape == (2, 4, 9, 13) and seen['offset'].abs().max() == 0


def test_autocast_agrees_with_float32():
    align = DualOffsetAlign(8, align_corners=True, sampler='released')
    torch.nn.init.normal_(align.offset_conv.weight, std=0.1)
    coarse, fine = pair(1, 8, (8, 128), (16, 256), torch.float32)
    exact = sum(align(coarse, fine))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = sum(align(coarse, fine))
    assert (half - exact).abs().mean() < 0.02 * exact.abs().mean()


def test_errors():
    with pytest.raises(ValueError, match="unknown sampler 'gridsample2'"):
        DualOffsetAlign(4, align_corners=True, sampler='gridsample2')
    with pytest.raises(ValueError, match='fine level to be at least as large'):
        DualOffsetAlign(4, align_corners=True)(torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 4, 4))
