import copy

import torch
from torch import nn

from segfusion.engine.bfloat16_optim_wrapper import Bfloat16OptimWrapper, keep_wide_depthwise


def depthwise(size, channels=4):
    return nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels)


def test_wide_depthwise_convolutions_stay_in_float32():
    model = nn.Sequential(depthwise(3), depthwise(5), nn.Conv2d(4, 4, 5, padding=2), nn.Conv2d(4, 2, 1))
    seen = []
    for module in model:
        module.register_forward_hook(lambda module, args, out: seen.append(out.dtype))
    wrapper = Bfloat16OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with wrapper.optim_context(model):
        model(torch.randn(1, 4, 7, 9))
    assert seen == [torch.bfloat16, torch.float32, torch.bfloat16, torch.bfloat16]


def test_what_stays_computes_the_same_and_is_copied_with_its_own_weights():
    model = nn.Sequential(depthwise(5))
    x = torch.randn(1, 4, 7, 9)
    expected = model(x)
    keep_wide_depthwise(model)
    assert torch.equal(model(x), expected)
    other = copy.deepcopy(model)
    nn.init.zeros_(other[0].weight)
    assert torch.equal(model(x), expected)
    assert torch.equal(other(x), other[0].bias.detach().view(1, -1, 1, 1).expand_as(expected))
