"""Misspelt names are answered with the nearest registered one and where it is; right ones are let pass."""
import pytest
from mmseg.registry import MODELS
from torch import nn

from segfusion.models.align import FlowAlign
from segfusion.models.decode_heads import SFNetHead, SideOutputHeads
from segfusion.models.slots import accepted_arguments, build_part, folder_slot

SHARED = dict(channels=8, align_corners=False)


def test_a_right_part_is_built_as_by_the_registry():
    part = build_part('align', dict(type='FlowAlign', mid_channels=3), None, SHARED)
    assert type(part) is FlowAlign
    assert build_part('align', dict(type=FlowAlign), None, SHARED).state_dict().keys() == part.state_dict().keys()


@pytest.mark.parametrize('cfg, error, message', [
    ('FlowAlign', TypeError, r"align of Identity: expected dict\(type='FlowAlign'\), got 'FlowAlign'"),
    (dict(channels=3), TypeError, r"expected dict\(type='...', ...\), got \{'channels': 3\}"),
    (dict(type='FlowAlgin'), ValueError, r"'FlowAlgin' is not registered; did you mean 'FlowAlign' "
     r"\(segfusion\.models\.align\.flow\)\? Ours for align=: BilinearAlign, DeformableAlign, DualOffsetAlign, FlowAl"),
    (dict(type='Qwertz'), ValueError, 'is the module that defines it in custom_imports'),
    (dict(type='SumFusion'), ValueError, 'SumFusion answers "WHERE is each level informative[?]", so it belongs in '
     'fusion='),
    (dict(type='FlowAlign', mid_chanels=3), TypeError, r"FlowAlign \(segfusion\.models\.align\.flow\) takes no "
     "argument 'mid_chanels'; did you mean 'mid_channels'"),
])
def test_wrong_parts(cfg, error, message):
    with pytest.raises(error, match=message):
        build_part('align', cfg, nn.Identity(), SHARED)


def test_own_parts_of_users_fit_any_slot():
    @MODELS.register_module(force=True)
    class UsersAlign(nn.Module):

        def __init__(self, **kwargs):
            super().__init__()

    try:
        assert folder_slot(UsersAlign) is None
        build_part('align', dict(type='UsersAlign', anything=1), None, {})
    finally:
        MODELS.module_dict.pop('UsersAlign')


def test_arguments_are_collected_through_the_bases():
    accepted = accepted_arguments(SFNetHead)
    assert {'align', 'lateral_bias', 'num_classes', 'loss_decode', 'in_index', 'init_cfg'} <= accepted
    assert 'self' not in accepted and 'kwargs' not in accepted


def test_arguments_that_go_elsewhere_are_not_judged():
    # its **kwargs are those of SideOutputHead, not of its base ModuleList
    assert accepted_arguments(SideOutputHeads) is None
