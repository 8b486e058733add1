import pytest
import torch

from segfusion.convert import ConversionError, Drop, Layout, Rule, choose_layout, convert, strip_wrapper
from segfusion.convert.layouts import LAYOUTS

TARGET = {'backbone.a.weight': torch.zeros(2, 3), 'head.b.bias': torch.zeros(4)}
SOURCE = {'x.a.weight': torch.ones(2, 3), 'x.b.bias': torch.ones(4), 'extra.bias': torch.ones(1)}
LAYOUT = Layout(
    'toy',
    'nowhere', (r'x\..*', ),
    rules=(Rule(r'x\.a\.(.*)', r'backbone.a.\1', transform=lambda t: 2 * t), Rule(r'x\.b\.(.*)', r'head.b.\1')),
    drops=(Drop(r'extra\..*', 'not needed'), ))


def test_renames_transforms_and_reports():
    state, report = convert(SOURCE, TARGET, LAYOUT)
    assert list(state) == list(TARGET)
    assert torch.equal(state['backbone.a.weight'], torch.full((2, 3), 2.))
    assert report.dropped == {'extra.bias': 'not needed'}
    assert report.lines() == ['2 tensors converted, 1 dropped', '  dropped 1: not needed (extra.bias)']


@pytest.mark.parametrize('change, message', [
    (dict(y=torch.ones(1)), 'unknown source tensor y'),
    ({'x.b.bias': torch.ones(5)}, r'shape \(5,\), head.b.bias expects \(4,\)'),
    ({'x.a.bias': torch.ones(2)}, 'backbone.a.bias, which the model does not have'),
])
def test_strictness(change, message):
    with pytest.raises(ConversionError, match=message):
        convert({**SOURCE, **change}, TARGET, LAYOUT)


def test_unfilled_tensors_are_named():
    with pytest.raises(ConversionError, match=r'nothing in the file fills head.b.bias \(4,\)'):
        convert({'x.a.weight': torch.ones(2, 3)}, TARGET, LAYOUT)


def test_filled_twice_is_named():
    layout = Layout('toy', '', (), rules=(Rule(r'x\..*', 'head.b.bias'), ))
    with pytest.raises(ConversionError, match='head.b.bias would be filled twice'):
        convert({'x.1': torch.ones(4), 'x.2': torch.ones(4)}, {'head.b.bias': torch.zeros(4)}, layout)


def test_counters_may_be_missing_but_nothing_else():
    target = {**TARGET, 'head.bn.num_batches_tracked': torch.tensor(3)}
    state, _ = convert(SOURCE, target, LAYOUT)
    assert state['head.bn.num_batches_tracked'] == 3


def test_scope_gives_backbone_files():
    layout = Layout(
        'toy', '', (), rules=LAYOUT.rules, drops=(*LAYOUT.drops, Drop(r'x\.b\..*', 'head')), scope='backbone.')
    state, _ = convert(dict(SOURCE.items()), TARGET,
                       Layout('toy', '', (), rules=LAYOUT.rules[:1], drops=layout.drops, scope='backbone.'))
    assert list(state) == ['a.weight']


def test_wrapper_and_prefix():
    state = strip_wrapper({'state_dict': {f'module.{k}': v for k, v in SOURCE.items()}, 'epoch': 3, 'optimizer': {}})
    assert set(state) == set(SOURCE)
    with pytest.raises(ConversionError, match='holds no tensors'):
        strip_wrapper({'epoch': 3})


def test_choice_is_unique_or_refused():
    assert choose_layout(SOURCE, TARGET, [LAYOUT]) is LAYOUT
    with pytest.raises(ConversionError, match='several layouts fit this file: toy, toy'):
        choose_layout(SOURCE, TARGET, [LAYOUT, LAYOUT])
    with pytest.raises(ConversionError, match='no known layout fits'):
        choose_layout({'q': torch.ones(1)}, TARGET, [LAYOUT])


def test_layout_names_are_unique():
    names = [layout.name for layout in LAYOUTS]
    assert len(names) == len(set(names))
