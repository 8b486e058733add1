"""TransUNet against the authors' outputs, its sizes and its costs."""
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from segfusion.models.decode_heads import TransUNetHead
from tests.references import golden

BASES = Path(__file__).parents[3] / 'configs' / '_base_' / 'models'
CHANNELS = [3, 16, 64, 128, 24]


def full_size(**options):
    config = Config.fromfile(BASES / 'transunet_r50-vit-b16.py')
    config.merge_from_dict({f'model.{key}': value for key, value in options.items()})
    with torch.device('meta'):
        return MODELS.build(config.model)


def small(size=(64, 96), num_skips=3, **options):
    """A network of TransUNet's wiring and a few channels."""
    backbone = dict(
        type='HybridVisionTransformer', img_size=size, base_channels=16, stage_blocks=(1, 1, 2), embed_dims=24,
        num_layers=2, num_heads=2, with_image=True, norm_cfg=dict(type='GN', num_groups=4, eps=1e-6))
    head = dict(
        type='TransUNetHead', in_channels=CHANNELS, channels=(16, 8, 8, 4), neck_channels=16, num_skips=num_skips,
        num_classes=5)
    return MODELS.build(dict(type='EncoderDecoder', backbone={**backbone, **options}, decode_head=head))


@pytest.mark.slow
def test_parity_of_the_whole_network():
    data = golden.load('modern_transunet_r50_vitb16')
    model = full_size(**{'backbone.img_size': 128, 'decode_head.num_classes': 9}).to_empty(device='cpu')
    model, report = golden.converted(model, data, wrap=False)
    assert not report.dropped
    image, taps = golden.image(128, 128), {}
    head = model.decode_head
    for name, module in dict(conv_more=head.neck_conv, decoder1=head.steps[0], decoder2=head.steps[1],
                             decoder3=head.steps[2]).items():
        module.register_forward_hook(lambda m, a, out, name=name: taps.update({name: out}))
    model.backbone.patch_embed.register_forward_pre_hook(lambda m, a: taps.update(trunk=a[0]))
    with torch.no_grad():
        levels = model.extract_feat(image)
        golden.assert_parity(head(levels)[..., ::2, ::2], data['output'], 5e-5)
    taps.update(skip3=levels[1], skip2=levels[2], skip1=levels[3], encoded=levels[4])
    assert set(taps) == set(data) - {'keys', 'shapes', 'scale', 'alias', 'meta', 'output'}
    for name, value in taps.items():
        golden.assert_parity(value[:, :data[name].shape[1]], data[name], 5e-5)


NO_TRUNK = {'backbone.stage_blocks': (), 'decode_head.in_channels': [3, 768], 'decode_head.num_skips': 0}


@pytest.mark.parametrize('size, classes, options, params', [
    (128, 9, {}, 105.18), (512, 19, {}, 105.91), (96, 9, NO_TRUNK, 91.55)])
def test_parameters_are_the_authors(size, classes, options, params):
    """Millions; the positions grow with the image."""
    model = full_size(**{'backbone.img_size': size, 'decode_head.num_classes': classes, **options})
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(params, abs=6e-3)


def test_macs_are_the_authors():
    """168.8 GMACs at 512x512."""
    model = revert_sync_batchnorm(full_size(**{'backbone.img_size': 512})).eval().to('meta')
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, 3, 512, 512, device='meta'))
    assert counter.get_total_flops() / 2e9 == pytest.approx(168.8, abs=0.05)


def test_steps_are_the_equation():
    """Where 16 divides the image every step doubles the map, as the release does."""
    model = small().eval()
    head = model.decode_head
    with torch.no_grad():
        *_, half, quarter, eighth, tokens = levels = model.extract_feat(torch.randn(2, 3, 64, 96))
        x = head.neck_conv(tokens)
        for step, skip in zip(head.steps, (eighth, quarter, half, None)):
            x = F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=True)
            x = step(x if skip is None else torch.cat([x, skip], dim=1))
        torch.testing.assert_close(head(levels), head.conv_seg(x))


@pytest.mark.parametrize('num_skips, joined', [(0, [0, 0, 0]), (1, [128, 0, 0]), (2, [128, 64, 0]), (3, [128, 64, 16])])
def test_skips_go_from_the_fine_end(num_skips, joined):
    """A level that is not joined still says how large the map becomes."""
    model = small(num_skips=num_skips).eval()
    own = [16, 16, 8]
    assert [step[0].conv.in_channels for step in model.decode_head.steps][:3] == [a + b for a, b in zip(own, joined)]
    with torch.no_grad():
        assert model(torch.randn(1, 3, 61, 99)).shape == (1, 5, 61, 99)


@pytest.mark.parametrize('size', [(360, 480), (65, 97), (64, 96)])
def test_any_size_trains_and_predicts(size):
    model = small().train()
    logits = model(torch.randn(2, 3, *size))
    assert logits.shape == (2, 5, *size)
    logits.square().mean().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]
    with torch.no_grad():
        image = torch.randn(2, 3, *size)
        together = model.eval()(image)
        torch.testing.assert_close(model(image[1:]), together[1:], atol=1e-4, rtol=1e-3)


def test_tokens_alone_are_taken_sixteen_times_as_large():
    head = TransUNetHead([24], (8, 8, 4, 4), num_skips=0, neck_channels=8, num_classes=3).eval()
    assert head([torch.randn(1, 24, 3, 5)]).shape == (1, 3, 48, 80)


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match='num_skips=3, but there are 1 levels before the tokens and 4 steps'):
        TransUNetHead([128, 24], num_skips=3, num_classes=3)
    with pytest.raises(ValueError, match=r'in_channels=\[3, 16, 64, 128, 24\], but the backbone gives'):
        small(embed_dims=32)(torch.randn(1, 3, 64, 96))
