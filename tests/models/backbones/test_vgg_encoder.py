import pytest
import torch
import torch.nn.functional as F
from torchvision.models import vgg16, vgg16_bn

from segfusion.models.backbones import VGGEncoder
from segfusion.models.backbones.vgg_encoder import from_classifier, reflect_pad

TAIL = [dict(out_channels=4096, kernel_size=7, padding=0, dropout=0.5), dict(out_channels=4096, kernel_size=1)]


@pytest.mark.parametrize('make, norm_cfg', [(vgg16, None), (vgg16_bn, dict(type='BN'))])
def test_torchvision_weights_give_torchvision_maps(make, norm_cfg, tmp_path):
    with torch.device('meta'):
        reference = make()
    reference = reference.features.to_empty(device='cpu')
    for value in reference.state_dict().values():
        value.normal_(0, 0.05).abs_() if value.dim() == 1 else value.copy_(0)
    for module in reference:
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    torch.save({f'features.{k}': v for k, v in reference.state_dict().items()}, tmp_path / 'vgg.pth')
    ours = VGGEncoder(
        outputs=('pool5', ),
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'vgg.pth')))
    ours.init_weights()
    image = torch.randn(1, 3, 64, 96)
    torch.testing.assert_close(ours.eval()(image)[0], reference.eval()(image))


@pytest.mark.parametrize('first, fc6, fc7', [('features.0', 'classifier.0', 'classifier.3'), ('conv1_1', 'fc6', 'fc7')])
def test_fully_connected_layers_become_kernels(first, fc6, fc7):
    """Under torchvision's and under Caffe's names."""
    weights = {
        f'{first}.weight': torch.zeros(64, 3, 3, 3),
        f'{fc6}.weight': torch.randn(8, 512 * 49, dtype=torch.float64),
        f'{fc7}.weight': torch.randn(4, 8, dtype=torch.float64)
    }
    state = from_classifier(weights, ['conv1_1.conv.weight'])
    assert state['conv1_1.conv.weight'].shape == (64, 3, 3, 3)
    x = torch.randn(1, 512, 7, 7, dtype=torch.float64)
    y = F.conv2d(F.conv2d(x, state['fc6.0.conv.weight']), state['fc7.0.conv.weight'])
    expected = x.flatten(1) @ weights[f'{fc6}.weight'].T @ weights[f'{fc7}.weight'].T
    torch.testing.assert_close(y.flatten(1), expected)


def test_a_checkpoint_that_fits_nothing_is_refused(tmp_path):
    torch.save({'layer1.weight': torch.zeros(3)}, tmp_path / 'other.pth')
    encoder = VGGEncoder(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'other.pth')))
    with pytest.raises(ValueError, match='fills no convolution'):
        encoder.init_weights()


def test_levels_halve_in_ceil_mode_and_come_in_the_order_asked():
    with torch.device('meta'):
        encoder = VGGEncoder(outputs=('pool2', 'image', 'conv1', 'indices3', 'tail'), tail=TAIL, first_padding=100)
    levels = encoder(torch.empty(1, 3, 45, 61, device='meta'))
    # 45 + 198 = 243 -> 122 -> 61 -> 31 -> 16 -> 8 -> fc6 -> 2
    assert [tuple(x.shape[1:]) for x in levels] == [(128, 61, 65), (3, 45, 61), (64, 243, 259), (256, 61, 65),
                                                    (4096, 2, 3)]
    assert levels[3].dtype == torch.bool


@pytest.mark.parametrize('name', ['pool6', 'stage3', 'conv3_3'])
def test_unknown_names_are_refused(name):
    with pytest.raises(ValueError, match='unknown map'):
        VGGEncoder(outputs=(name, ))


def test_indices_of_deeplab_pooling_are_refused():
    with pytest.raises(ValueError, match='indices need kernel 2'):
        VGGEncoder(outputs=('indices4', ), pool_strides=(2, 2, 2, 1, 1), pool_kernel=3)


def test_reflection_agrees_with_torch_and_goes_on_beyond_the_image():
    x = torch.arange(12.).view(1, 1, 3, 4)
    assert torch.equal(reflect_pad(x, 2), F.pad(x, (2, 2, 2, 2), mode='reflect'))
    row = reflect_pad(torch.tensor([0., 1, 2]).view(1, 1, 1, 3), 5)[0, 0, 0]
    assert row.tolist() == [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]
