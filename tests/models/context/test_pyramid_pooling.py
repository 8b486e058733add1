import pytest
import torch

from segfusion.convert.layouts.sfnet import input_first
from segfusion.models.context import PyramidPoolingContext, SummedPyramidPoolingContext
from tests.references import golden

BN = dict(type='BN')


def rename(state, with_concat):
    out = {}
    for key, value in state.items():
        parts = key.split('.')
        if parts[0] == 'stages':
            name = f'pools.{parts[1]}.' + {'1': 'conv', '2': 'bn'}[parts[2]]
        else:
            name = {'bottleneck': 'bottleneck', 'down': 'reduce'}[parts[0]] + '.' + {'0': 'conv', '1': 'bn'}[parts[1]]
        if with_concat and name == 'bottleneck.conv':
            value = input_first(value)
        out[f'{name}.{parts[-1]}'] = value
    return out


def test_parity_with_the_authors_ppm():
    data = golden.load('modules')
    ppm = PyramidPoolingContext(
        16, 8, align_corners=True, kernel_size=1, pool_act=False, dropout_ratio=0.1, norm_cfg=BN).eval()
    ppm.load_state_dict(rename(golden.module_state(data, 'psp'), True))
    golden.assert_parity(ppm(torch.from_numpy(data['psp/in0'])).detach(), data['psp/out0'])


def test_parity_with_the_authors_summed_ppm():
    data = golden.load('modules')
    scales = (1, 2, 3, 6) if sum('stages' in k for k in golden.module_state(data, 'spsp')) == 24 else (1, 2, 4)
    ppm = SummedPyramidPoolingContext(16, 8, align_corners=True, pool_scales=scales, norm_cfg=BN).eval()
    ppm.load_state_dict(rename(golden.module_state(data, 'spsp'), False))
    golden.assert_parity(ppm(torch.from_numpy(data['spsp/in0'])).detach(), data['spsp/out0'])


@pytest.mark.parametrize('kind', [PyramidPoolingContext, SummedPyramidPoolingContext])
def test_pooled_branches_of_a_constant_map_are_constant(kind):
    ppm = kind(3, 4, align_corners=False, norm_cfg=BN).eval()
    y = ppm(torch.full((1, 3, 9, 11), 0.7))[:, :, 2:-2, 2:-2]  # away from the zero padding of a 3x3 bottleneck
    torch.testing.assert_close(y, y[:, :, :1, :1].expand_as(y))


def test_wrong_channels_are_named():
    with pytest.raises(ValueError, match='in_channels=8.*got a map with 3 channels'):
        PyramidPoolingContext(8, 4, align_corners=True)(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize('kind', [PyramidPoolingContext, SummedPyramidPoolingContext])
def test_training_on_one_image_says_what_to_do(kind):
    ppm, x = kind(3, 4, align_corners=False, norm_cfg=BN), torch.randn(1, 3, 9, 11)
    with pytest.raises(ValueError, match='at least 2 images on each GPU, got 1.*batch_size'):
        ppm(x)
    assert torch.isfinite(ppm.eval()(x)).all()
    assert torch.isfinite(kind(3, 4, align_corners=False, norm_cfg=dict(type='GN', num_groups=2))(x)).all()
