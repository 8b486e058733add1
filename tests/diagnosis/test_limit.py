from pathlib import Path

import pytest
import torch
from torch import nn

from segfusion.diagnosis.limit import (
    Operator,
    grows_fastest,
    growth,
    heads_of_ours,
    large_copy,
    matrix_product,
    operators,
    reason,
)


def test_operators_of_a_small_network():
    """Operations and bytes by hand; convolutions by what sets them apart."""
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=2, dilation=2, groups=16, bias=False), nn.Conv2d(16, 32, 1, bias=False),
        nn.Conv2d(32, 32, 1, bias=False), nn.Upsample(scale_factor=2, mode='bilinear')).eval()
    found = {o.kind: o for o in operators(lambda: net(torch.ones(1, 3, 12, 20)), repeats=1)}
    cells = 6 * 10
    assert set(found) >= {'3x3 convolution stride 2 of few channels', '3x3 depthwise convolution dilated', 'norm',
                          '1x1 convolution', 'activation', 'resize'}
    one, two = found['1x1 convolution'], found['3x3 convolution stride 2 of few channels']
    assert one.calls == 2 and one.flops == 2 * cells * (16 * 32 + 32 * 32)
    assert one.bytes == 4 * (cells * (16 + 32 + 32 + 32) + 16 * 32 + 32 * 32)
    assert two.flops == 2 * cells * 27 * 16 and found['3x3 depthwise convolution dilated'].flops == 2 * cells * 9 * 16
    assert found['resize'].flops == 0 and found['resize'].bytes == 4 * 32 * cells * (1 + 4)


def test_yardsticks_do_what_they_say():
    (product, ), (copy, ) = operators(matrix_product(64), 1), operators(large_copy(1), 1)
    assert (product.kind, product.flops) == ('matrix product', 2 * 64**3)
    assert copy.kind == 'copy' and copy.bytes >= 2 * 2**20


def test_rates_and_reasons():
    found = [Operator('3x3 convolution', 4, 60., 60e6 * 95), Operator('resize', 2, 30., 0., 3e9),
             Operator('1x1 convolution', 1, 9., 9e6 * 50), Operator('copy', 1, 1.)]
    assert found[0].gflops == pytest.approx(95) and found[1].gbytes == pytest.approx(100)
    assert reason(found, limit=100.) == 'resize 30%, 1x1 convolution 9% (at 0.50), 3x3 convolution 60% (at 0.95)'
    assert reason(found[:1], limit=95.) == '' and reason([], limit=95.) == ''


def test_exponents_of_growth():
    assert growth([1, 4, 8], [3, 12, 48]) == pytest.approx([1, 2])
    before = [Operator('resize', ms=1.), Operator('3x3 convolution', ms=8.)]
    after = [Operator('3x3 convolution', ms=32.), Operator('resize', ms=16.)]
    assert grows_fastest(before, after) == ('resize', 16.)


def test_configs_with_a_head_of_ours():
    names = [path.stem for path in heads_of_ours(Path(__file__).parents[2] / 'configs' / '_base_' / 'models')]
    assert {'sfnet_r18', 'gff_wrn38-d8', 'enet', 'segmenter_vit-t_mask'} & set(names) == {
        'sfnet_r18', 'gff_wrn38-d8', 'enet'}
    assert 'pspnet_r50-d8' not in names
