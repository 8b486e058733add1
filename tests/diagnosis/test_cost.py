import pytest
import torch
from torch import nn

from segfusion.diagnosis.cost import Cost, cost_table, count, measure


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
