import pytest
import torch

from segfusion.convert import LAYOUTS, ConversionError, Layout, choose_layout, convert
from segfusion.convert.layouts.alignseg import activated_norm_scale, merge_branches

SOURCE = {
    'CAB2.delta_gen1.0.weight': torch.full((2, 4, 1, 1), 1.),
    'CAB2.delta_gen2.0.weight': torch.full((2, 4, 1, 1), 2.),
    'CAB2.delta_gen1.1.num_batches_tracked': torch.tensor(3),
    'CAB2.delta_gen2.1.num_batches_tracked': torch.tensor(3),
    'CAM.delta_gen.0.weight': torch.zeros(2, 4, 1, 1),
    'bn1.weight': torch.tensor([-2., 0.5]),
    'bn1.bias': torch.tensor([-1., 1.]),
    'conv1.weight': torch.full((1, 1, 3, 3), -1.),
}


def test_both_branches_become_one_the_coarse_first():
    state = merge_branches(SOURCE)
    assert state['CAB2.delta_gen.0.weight'].flatten(1)[:, 0].tolist() == [1, 1, 2, 2]
    assert state['CAB2.delta_gen.1.num_batches_tracked'] == 3
    assert not [key for key in state if 'delta_gen1' in key or 'delta_gen2' in key]
    assert len(state) == len(SOURCE) - 2


def test_a_branch_without_its_twin_is_left_for_the_converter_to_name():
    alone = {k: v for k, v in SOURCE.items() if k != 'CAB2.delta_gen2.0.weight'}
    assert 'CAB2.delta_gen1.0.weight' in merge_branches(alone)
    odd = {**SOURCE, 'CAB2.delta_gen2.0.weight': torch.zeros(3, 4, 1, 1)}
    assert {'CAB2.delta_gen1.0.weight', 'CAB2.delta_gen2.0.weight'} <= set(merge_branches(odd))


def test_norm_scales_become_what_the_activated_norm_computes_with():
    state = activated_norm_scale(SOURCE)
    torch.testing.assert_close(state['bn1.weight'], torch.tensor([2.00001, 0.50001]), rtol=0, atol=1e-7)
    for key in ('bn1.bias', 'conv1.weight', 'CAB2.delta_gen1.0.weight'):
        assert torch.equal(state[key], SOURCE[key])


def test_a_layout_by_name_only_is_never_chosen():
    source, target = {'a': torch.ones(1)}, {'b': torch.ones(1)}
    plain, hidden = Layout('plain', '', ('a', ), ()), Layout('hidden', '', ('a', ), (), by_name_only=True)
    assert choose_layout(source, target, [plain, hidden]) is plain
    with pytest.raises(ConversionError, match='no known layout fits'):
        choose_layout(source, target, [hidden])


def test_the_report_says_that_the_sampler_is_not_in_the_file():
    layout = next(layout for layout in LAYOUTS if layout.name == 'alignseg')
    empty = Layout('empty', '', (), (), note=layout.note)
    lines = convert({}, {}, empty)[1].lines()
    assert "sampler='released'" in lines[-1] and lines[-1].startswith('  note: ')
