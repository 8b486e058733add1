import pytest
import torch
from torch import nn

from segfusion.ops import conv_to_few


@pytest.mark.parametrize('options', [dict(groups=2), dict(bias=False), dict(kernel_size=(5, 1), padding=(2, 0))])
def test_is_the_convolution(options):
    conv = nn.Conv2d(**{**dict(in_channels=6, out_channels=4, kernel_size=3, padding=1), **options}).double()
    conv.requires_grad_(False)
    x = torch.randn(2, 9, 7, 6, dtype=torch.float64).permute(0, 3, 2, 1)
    torch.testing.assert_close(conv_to_few(conv, x), conv(x), atol=1e-12, rtol=0)
