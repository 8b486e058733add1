import pytest
import torch
import torch.nn.functional as F

from segfusion.models.backbones import WideResNet38


def narrow(**options):
    return WideResNet38(base_channels=2, **options)


@pytest.mark.parametrize('output_stride, strides', [(8, (1, 2, 4, 8, 8, 8, 8)), (32, (1, 2, 4, 8, 16, 32, 32))])
def test_channels_and_strides(output_stride, strides):
    net = narrow(out_indices=range(7), output_stride=output_stride).eval()
    with torch.no_grad():
        levels = net(torch.randn(1, 3, 65, 97))
    for level, channels, stride in zip(levels, (2, 4, 8, 16, 32, 64, 128), strides):
        assert level.shape == (1, channels, -(-65 // stride), -(-97 // stride))


@pytest.mark.parametrize('output_stride, expected', [
    (8, dict(mod4=(2, 1), mod5=(1, 2), mod6=(1, 4), mod7=(1, 4))),
    (32, dict(mod4=(2, 1), mod5=(2, 1), mod6=(2, 1), mod7=(1, 1))),
])
def test_strides_and_dilations_are_the_authors(output_stride, expected):
    net = narrow(output_stride=output_stride)
    for name, (stride, dilation) in expected.items():
        blocks = getattr(net, name)
        wide = [m for m in blocks.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
        assert {m.dilation[0] for m in wide} == {dilation} and all(m.padding == m.dilation for m in wide)
        assert [block.conv1.stride[0] for block in blocks] == [stride] + [1] * (len(blocks) - 1)


def test_a_block_is_its_equation():
    block = narrow().mod6[0].double().eval()
    for p in block.parameters():
        torch.nn.init.normal_(p)
    x = torch.randn(2, 32, 7, 9).double()

    def norm_act(norm, x):
        return F.relu(F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias))

    first = norm_act(block.norm1, x)
    y = F.conv2d(first, block.conv1.weight)
    y = F.conv2d(norm_act(block.norm2, y), block.conv2.weight, padding=4, dilation=4)
    y = F.conv2d(norm_act(block.norm3, y), block.conv3.weight)
    kept = x.clone()
    torch.testing.assert_close(block(x), y + F.conv2d(first, block.shortcut.weight), atol=1e-9, rtol=0)
    assert torch.equal(x, kept)  # nothing is done in place to the input


def test_dropout_drops_whole_channels_before_the_last_convolution():
    block = narrow().mod7[0].train()
    seen = []
    block.conv3.register_forward_pre_hook(lambda m, a: seen.append(a[0]))
    block(torch.randn(4, 64, 8, 8))
    dropped = (seen[0].flatten(2) == 0).all(dim=2).float().mean().item()
    assert dropped == pytest.approx(0.5, abs=0.15) and block.dropout.p == 0.5
    assert narrow().mod6[0].dropout.p == 0.3


def test_recomputing_gives_the_same_gradients():
    x = torch.randn(2, 3, 33, 41)
    grads = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        net = narrow(with_cp=with_cp, norm_eval=True).train()
        torch.manual_seed(1)
        sum(level.square().mean() for level in net(x)).backward()
        assert not [name for name, p in net.named_parameters() if p.grad is None]
        grads.append([p.grad for p in net.parameters()])
    for a, b in zip(*grads):
        torch.testing.assert_close(a, b)


def test_norm_eval_keeps_the_statistics():
    net = narrow(norm_eval=True).train()
    before = net.mod4[0].norm1.running_mean.clone()
    net(torch.randn(2, 3, 33, 41))
    assert torch.equal(net.mod4[0].norm1.running_mean, before) and net.training


def test_later_modules_are_not_built():
    names = {name.split('.')[0] for name, _ in narrow(out_indices=(0, 2)).named_parameters()}
    assert names == {'mod1', 'mod2', 'mod3'}


def test_wrong_choices_are_named():
    with pytest.raises(ValueError, match='output_stride must be 8 .* got 16'):
        narrow(output_stride=16)
    with pytest.raises(ValueError, match=r'fine to coarse, got \[4, 1\]'):
        narrow(out_indices=(4, 1))
