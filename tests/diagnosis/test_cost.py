from pathlib import Path

import pytest
import torch
from torch import nn

from segfusion.diagnosis.cost import Cost, build_segmentor, cost_table, count, measure
from tests.references.shipped import load

CONFIGS = Path(__file__).parents[2] / 'configs'


class Toy(nn.Module):

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.auxiliary_head = nn.Conv2d(4, 5, 1)

    def forward(self, x):
        return self.conv(x)


def test_counts_by_hand():
    params, aux, macs = count(Toy(), (8, 12))
    assert (params, aux) == (3 * 4 * 9, 4 * 5 + 5)
    assert macs == 3 * 4 * 9 * 4 * 6


@pytest.mark.parametrize('config, params, macs', [
    ('hrnet/fcn_hr18_4xb2-160k_cityscapes-512x1024', 9.64, 36.9),
    ('hrnet/fcn_hr18s_4xb2-160k_cityscapes-512x1024', 3.94, 19.2),
    ('ocrnet/ocrnet_hr18_4xb2-160k_cityscapes-512x1024', 12.08, 106.5),
    ('bisenetv1/bisenetv1_r18-d32_4xb4-160k_cityscapes-1024x1024', 13.28, 29.6),
    ('bisenetv2/bisenetv2_4xb4-160k-scratch_cityscapes-1024x1024', 3.36, 24.6),
    ('ddrnet/ddrnet_23-slim_2xb6-120k_cityscapes-1024x1024', 5.73, 9.1),
    ('ddrnet/ddrnet_23_2xb6-120k_cityscapes-1024x1024', 20.30, 35.8),
    ('pidnet/pidnet-s_2xb6-120k_cityscapes-1024x1024', 7.72, 11.8),
    ('icnet/icnet_r18-d8_4xb2-160k_cityscapes-832x832', 24.87, 18.6),
    ('icnet/icnet_r50-d8_4xb2-160k_cityscapes-832x832', 47.53, 30.6),
    ('fastscnn/fast-scnn_8xb4-160k-scratch_cityscapes-512x1024', 1.40, 1.8),
    ('stdc/stdc1_4xb12-80k_cityscapes-512x1024', 8.28, 16.9),
    ('stdc/stdc2_4xb12-80k_cityscapes-512x1024', 12.31, 23.5),
])
def test_real_time_networks_cost_what_stock_ones_cost(config, params, macs):
    """mmseg's own configs at 512x1024, 19 classes, without auxiliary heads."""
    with torch.device('meta'):
        counted = count(build_segmentor(load(CONFIGS / f'{config}.py')), (512, 1024))
    assert (round(counted[0] / 1e6, 2), round(counted[2] / 1e9, 1)) == (params, macs)


def test_measures_in_rounds():
    order = []
    models = {name: Toy() for name in 'ab'}
    for name, model in models.items():
        model.register_forward_hook(lambda *_, name=name: order.append(name))
    costs = measure(models, (8, 12), repeats=3)
    assert order == ['a', 'b'] * 5  # counted, warmed up, then three rounds
    assert [len(c.times) for c in costs] == [3, 3]


def test_table_shows_the_median_and_marks_the_unmeasured():
    rows = cost_table([Cost('x', (8, 12), 1500000, 0, 2e9, [3., 1., 20.], 7.), Cost('y', (8, 12), 1, 0, 0)])
    assert '| x | 8x12 | 1.500 | 0.000 | 2.0 | 3 | 1 | 7 |' in rows
    assert '| y | 8x12 | 0.000 | 0.000 | 0.0 | - | - | - |' in rows


def test_memory_of_a_known_allocation():
    from segfusion.diagnosis.cost import peak_memory
    peak = peak_memory(lambda: torch.ones(64 * 2**18), 'cpu')
    if peak is None:
        pytest.skip('this system does not tell the peak memory of a process')
    assert 60 <= peak <= 80


def test_memory_that_was_freed_before_counts_again():
    from segfusion.diagnosis.cost import peak_memory

    def many():
        return [torch.ones(2**14) for _ in range(256)]  # 16 MiB in pieces that come from the heap

    first, second = peak_memory(many, 'cpu'), peak_memory(many, 'cpu')
    if first is None:
        pytest.skip('this system does not tell the peak memory of a process')
    assert 14 <= first <= 24 and 14 <= second <= 24


def test_allocated_memory_is_counted_to_the_byte():
    from segfusion.diagnosis.cost import peak_allocated
    kept = torch.ones(2**18)

    def run():
        one = kept + 1  # 1 MiB
        two = torch.cat([one, one])  # 2 MiB more
        del one
        return two.view(2, -1).sum(0)  # 1 MiB, in place of the first

    assert peak_allocated(run) == 3
