import pytest
import torch
from mmseg.models.backbones import ResNet

from segfusion.models.backbones import StemResNet


@pytest.mark.parametrize('deep_stem', [False, True])
def test_stages_are_those_of_resnet_and_the_stem_feeds_them(deep_stem):
    kwargs = dict(depth=18, deep_stem=deep_stem, norm_cfg=dict(type='BN'), norm_eval=False)
    ours, host = StemResNet(**kwargs), ResNet(**kwargs)
    host.load_state_dict(ours.state_dict())
    for model in (ours, host):
        model.eval()  # mmseg's ResNet returns None here
    image = torch.randn(1, 3, 45, 61)
    same_image, stem, *stages = ours(image)
    assert same_image is image
    assert all(torch.equal(a, b) for a, b in zip(stages, host(image)))
    assert torch.equal(ours.layer1(stem), stages[0])
