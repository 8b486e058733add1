from pathlib import Path

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS

from segfusion.deploy import prepare_for_inference
from segfusion.diagnosis.cost import build_segmentor
from tests.references.shipped import load

CONFIGS = Path(__file__).parents[2] / 'configs'


def segmentor():
    norm = dict(type='BN')
    model = MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=dict(type='DeepStemResNet', depth=18, stem_channels=8, base_channels=4),
            decode_head=dict(
                type='SFNetHead', in_channels=[4, 8, 16, 32], channels=8, num_classes=5, norm_cfg=norm)))
    return as_if_trained(revert_sync_batchnorm(model).eval())


def as_if_trained(model):
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return model


def test_logits_stay_and_norms_go():
    model, image = segmentor(), torch.randn(2, 3, 65, 97)
    with torch.no_grad():
        before = model(image)
        model = prepare_for_inference(model)
        torch.testing.assert_close(model(image), before, atol=2e-4 * before.std().item(), rtol=0)
    assert not [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert model.decode_head.split_bottleneck
    assert model.decode_head.fpn_convs[0].conv.weight.is_contiguous(memory_format=torch.channels_last)


def norms_left(model):
    """Prepare a model, see that its logits stay, and name the norms that do."""
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        before = model(image)
        model = prepare_for_inference(model)
        torch.testing.assert_close(model(image), before, atol=1e-3 * before.std().item(), rtol=0)
    return [name for name, m in model.named_modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]


@pytest.mark.parametrize('config', ['ddrnet/ddrnet_23-slim_2xb6-120k', 'pidnet/pidnet-s_2xb6-120k'])
def test_norms_before_their_convolution_stay(config):
    """Stock contexts of DDRNet and PIDNet normalise first; all other norms go."""
    model = as_if_trained(build_segmentor(load(CONFIGS / f'{config}_cityscapes-1024x1024.py')))
    left = norms_left(model)
    assert left and all(name.startswith(('backbone.spp', 'decode_head')) or 'dfm' in name for name in left), left


def test_a_norm_of_more_than_the_convolution_stays():
    """ENet normalises its first convolution beside a pooling."""
    model = as_if_trained(build_segmentor(CONFIGS / '_base_' / 'models' / 'enet.py'))
    left = norms_left(model)
    assert model.backbone.down1.expand.conv.weight.is_contiguous()  # not channels-last: narrow
    assert 'backbone.initial_norm' in left and not any('down' in name or 'stage' in name for name in left), left


def test_a_norm_that_cannot_be_folded_is_noticed():
    """A backbone that normalises before its convolution: folding would be wrong, and must not pass silently."""
    model = segmentor()

    class Strange(torch.nn.Module):

        def __init__(self, inner):
            super().__init__()
            self.inner, self.conv, self.bn = inner, torch.nn.Conv2d(3, 3, 1), torch.nn.BatchNorm2d(3)
            self.bn.running_mean.fill_(1.)

        def forward(self, x):
            return self.inner(self.conv(self.bn(x).relu()))

    model.backbone = Strange(model.backbone).eval()
    with pytest.raises(RuntimeError, match='does not follow its convolution'):
        prepare_for_inference(model)


def test_wide_convolutions_share_products():
    """Of a trained net: means, spreads and biases as training leaves them; the kept keys are the same."""
    torch.manual_seed(0)
    convs = [torch.nn.Conv2d(a, b, 3, padding=d, dilation=d) for a, b, d in ((3, 128, 1), (128, 128, 1), (128, 160, 2))]
    model = segmentor()
    model.backbone.conv2 = torch.nn.Sequential(*convs)
    forward = model.backbone.forward
    model.backbone.forward = lambda x: forward(x + model.backbone.conv2(x).mean(1, keepdim=True))
    image, names = torch.randn(1, 3, 64, 96), [n for n in model.state_dict() if 'conv2' in n and 'backbone.conv2' in n]
    with torch.no_grad():
        before = model(image)
        after = prepare_for_inference(model)(image)
    torch.testing.assert_close(after, before, atol=2e-4 * before.std().item(), rtol=0)
    assert [type(m).__name__ for m in model.backbone.conv2] == ['Conv2d', 'WinogradConv2d', 'WinogradConv2d']
    assert [n for n in model.state_dict() if 'backbone.conv2' in n] == names
    assert type(prepare_for_inference(segmentor(), winograd=False).backbone.layer1[0].conv1) is torch.nn.Conv2d
