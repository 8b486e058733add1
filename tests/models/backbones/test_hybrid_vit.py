import numpy as np
import pytest
import torch
from scipy import ndimage

from segfusion.models.backbones import HybridVisionTransformer
from segfusion.models.backbones.hybrid_vit import StandardizedConv2d


def tiny(**options):
    own = dict(img_size=64, base_channels=8, stage_blocks=(1, 1, 1), embed_dims=12, num_layers=2, num_heads=2,
               norm_cfg=dict(type='GN', num_groups=2, eps=1e-6))
    return HybridVisionTransformer(**{**own, **options})


def test_standardised_convolution_against_a_loop():
    """Each filter less its mean, divided by its biased deviation; a filter of equal weights sees nothing."""
    conv = StandardizedConv2d(3, 4, 3, stride=2, padding=1, bias=False).double()
    torch.nn.init.constant_(conv.weight[2], 5.)
    x = torch.randn(2, 3, 7, 9).double()
    with torch.no_grad():
        weight = conv.weight.clone()
        for k, f in enumerate(conv.weight.numpy()):
            weight[k] = torch.from_numpy((f - f.mean()) / np.sqrt(f.var() + 1e-5))
        out = conv(x)
        torch.testing.assert_close(out, torch.nn.functional.conv2d(x, weight, stride=2, padding=1))
    assert not out[:, 2].any()


@pytest.mark.parametrize('height', [48, 61, 62, 63, 64, 65, 360])
def test_levels_are_filled_up_to_their_share_of_the_image(height):
    """H // 4 and H // 8 rows, zeros behind what the unpadded pooling left, and nothing cut off."""
    net = tiny().eval()
    seen = []
    for stage in net.stages[:2]:
        stage.register_forward_hook(lambda m, a, out: seen.append(out))
    with torch.no_grad():
        half, quarter, eighth, tokens = net(torch.randn(1, 3, height, 64))
    assert half.shape == (1, 8, -(-height // 2), 32) and tokens.shape[1] == 12
    for level, inner, share in ((quarter, seen[0], height // 4), (eighth, seen[1], height // 8)):
        rows, columns = inner.shape[2:]
        assert level.shape[2] == max(share, rows)
        assert torch.equal(level[:, :, :rows, :columns], inner)
        assert not level[:, :, rows:].any() and not level[..., columns:].any()


def test_the_next_stage_reads_the_map_without_the_zeros():
    net, seen = tiny().eval(), []
    net.stages[1].register_forward_pre_hook(lambda m, a: seen.append(a[0]))
    with torch.no_grad():
        net(torch.randn(1, 3, 64, 64))
    assert seen[0].shape[2:] == (15, 15)


def test_positions_are_resized_as_scipys_zoom():
    """What the release does when it reads a file of another grid."""
    net = tiny(img_size=(48, 80), num_layers=0, drop_rate=0.).eval()
    torch.nn.init.normal_(net.pos_embed)
    torch.nn.init.zeros_(net.patch_embed.weight)
    torch.nn.init.zeros_(net.patch_embed.bias)
    net.norm = torch.nn.Identity()
    with torch.no_grad():
        tokens = net(torch.randn(1, 3, 112, 64))[-1]
    expected = ndimage.zoom(net.pos_embed[0].detach().numpy(), (1, 7 / 3, 4 / 5), order=1)
    torch.testing.assert_close(tokens[0], torch.from_numpy(expected))


def test_a_plain_vit_has_no_trunk():
    net = tiny(stage_blocks=(), with_image=True).eval()
    image = torch.randn(1, 3, 48, 80)
    with torch.no_grad():
        levels = net(image)
    assert len(levels) == 2 and levels[0] is image and levels[1].shape == (1, 12, 3, 5)
    assert net.patch_embed.kernel_size == (16, 16)


def test_dropout_is_where_the_paper_has_it():
    """Behind the embedding and both layers of the MLP, none in the attention."""
    net = tiny(drop_rate=0.3)
    rates = {name: m.p for name, m in net.named_modules() if isinstance(m, torch.nn.Dropout)}
    assert net.layers[0].attn.attn.dropout == 0 and net.layers[0].attn.proj_drop.p == 0
    assert {name for name, p in rates.items() if p == 0.3} >= {'dropout', 'layers.0.ffn.layers.0.2',
                                                              'layers.0.ffn.layers.2'}


def test_recomputing_gives_the_same_gradients():
    image, grads = torch.randn(1, 3, 49, 66), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        net = tiny(with_cp=with_cp, drop_rate=0.).train()
        sum(level.square().mean() for level in net(image)).backward()
        assert not [name for name, p in net.named_parameters() if p.grad is None]
        grads.append([p.grad for p in net.parameters()])
    for a, b in zip(*grads):
        torch.testing.assert_close(a, b)


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match='3 stages has stride 16: expected a patch_size .* got 8'):
        tiny(patch_size=8)
    with pytest.raises(ValueError, match=r'that patch_size=16 divides, got \(60, 64\)'):
        tiny(img_size=(60, 64))
