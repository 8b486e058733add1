import torch
from mmseg.models.backbones import UNet

from segfusion.models.backbones import PaddedUNet


def build(kind):
    torch.manual_seed(0)
    return kind(base_channels=4, norm_cfg=dict(type='BN'))


def test_equals_unet_where_that_runs_and_pads_elsewhere():
    ours, host = build(PaddedUNet), build(UNet)
    for net in (ours, host):
        net.eval()
    image = torch.randn(1, 3, 32, 48)
    assert all(torch.equal(a, b) for a, b in zip(ours(image), host(image)))
    odd, padded = image[..., :27, :43], image.clone()
    padded[..., 27:, :] = padded[..., 43:] = 0
    for ours_level, level in zip(ours(odd), host(padded)):
        assert torch.equal(ours_level, level[..., :ours_level.shape[2], :ours_level.shape[3]])
    assert [tuple(y.shape[2:]) for y in ours(odd)] == [(2, 3), (4, 6), (7, 11), (14, 22), (27, 43)]
