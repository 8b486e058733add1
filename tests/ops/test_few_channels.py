import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from segfusion.ops import FewChannelsConv2d


@pytest.mark.parametrize('options', [dict(groups=2), dict(bias=False), dict(kernel_size=(5, 1), padding=(2, 0))])
def test_is_the_convolution(options):
    conv = FewChannelsConv2d(**{**dict(in_channels=6, out_channels=4, kernel_size=3, padding=1), **options}).double()
    x = torch.randn(2, 9, 7, 6, dtype=torch.float64).permute(0, 3, 2, 1)
    direct = conv(x)  # trained
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        torch.testing.assert_close(conv(x), direct, atol=1e-12, rtol=0)
    assert 'aten.mm' in str(counter.get_flop_counts())
