"""Misspelt names are answered with the nearest registered one and where it is; right ones are let pass."""
import pytest
from torch import nn

from segfusion.models.align import FlowAlign
from segfusion.models.decode_heads import SFNetHead, SideOutputHeads
from segfusion.models.slots import accepted_arguments, build_part, folder_slot

SHARED = dict(channels=8, norm_cfg=None, act_cfg=dict(type='ReLU'), align_corners=False)


def test_a_right_part_is_built_as_by_the_registry():
    part = build_part('align', dict(type='FlowAlign', mid_channels=3), None, SHARED)
    assert type(part) is FlowAlign
    assert build_part('align', dict(type=FlowAlign), None, SHARED).state_dict().keys() == part.state_dict().keys()


@pytest.mark.parametrize('cfg, error, message', [
    ('FlowAlign', TypeError, r"align of Identity: expected dict\(type='FlowAlign'\), got 'FlowAlign'"),
    (dict(channels=3), TypeError, r"expected dict\(type='...', ...\), got \{'channels': 3\}"),
    (dict(type='FlowAlgin'), ValueError, r"'FlowAlgin' is not registered; did you mean 'FlowAlign' "
     r"\(segfusion\.models\.align\.flow\)\? Ours for align=: BilinearAlign, DeformableAlign, DualOffsetAlign, FlowAl"),
    (dict(type='Bilinear'), ValueError, "'Bilinear' is not registered; is the module that defines it in custom_imp"),
    (dict(type='MyFlowAlign'), ValueError, "'MyFlowAlign' is not registered; is the module that defines it in custom_"),
    (dict(type='FlowAlignV2'), ValueError, 'is the module that defines it in custom_imports'),
    (dict(type='MyBrilliantIdea'), ValueError, 'is the module that defines it in custom_imports'),
    (dict(type='Qwertz'), ValueError, 'is the module that defines it in custom_imports'),
    (dict(type='SumFusion'), ValueError, 'SumFusion answers "WHERE is each level informative[?]", so it belongs in '
     'fusion='),
    (dict(type='FlowAlign', mid_chanels=3), TypeError, r"FlowAlign \(segfusion\.models\.align\.flow\) takes no "
     "argument 'mid_chanels'; did you mean 'mid_channels'"),
    (dict(type='FlowAlign', norm_cfg=dict(type='BN')), TypeError, "takes no argument 'norm_cfg'; it takes align_cor"),
    (dict(type='BilinearAlign', channels=3), TypeError, "takes no argument 'channels'; it takes align_corners"),
    (dict(type='IndexUnpool', align_corners=True), TypeError, "takes no argument 'align_corners'"),
])
def test_wrong_parts(cfg, error, message):
    with pytest.raises(error, match=message):
        build_part('align', cfg, nn.Identity(), SHARED)


class Anything(nn.Module):

    def __init__(self, **kwargs):
        super().__init__()
        self.got = kwargs


class Nothing(nn.Module):
    pass


class ChannelsOnly(nn.Module):

    def __init__(self, channels):
        super().__init__()
        self.got = channels


def test_a_part_is_offered_what_it_takes_and_no_more():
    assert folder_slot(Anything) is None  # own parts of users fit any slot
    assert build_part('align', dict(type=Anything, own=1), None, SHARED).got == dict(SHARED, own=1)
    assert build_part('fusion', dict(type=ChannelsOnly), None, SHARED).got == 8
    assert build_part('fusion', dict(type=ChannelsOnly, channels=3), None, SHARED).got == 3
    assert type(build_part('align', dict(type=Nothing), None, SHARED)) is Nothing


@pytest.mark.parametrize('part, key, takes', [(ChannelsOnly, 'norm_cfg', 'channels'), (Nothing, 'channels', 'none')])
def test_an_argument_the_user_writes_and_the_part_does_not_take_is_refused(part, key, takes):
    with pytest.raises(TypeError, match=f"takes no argument '{key}'; it takes {takes}"):
        build_part('fusion', dict(type=part, **{key: None}), None, SHARED)


def test_a_part_has_to_take_what_only_its_owner_knows():
    with pytest.raises(TypeError, match="context of NoneType: expected ChannelsOnly .* to take 'in_channels'"):
        build_part('context', dict(type=ChannelsOnly), None, dict(in_channels=3, **SHARED))


def test_arguments_are_collected_through_the_bases():
    accepted = accepted_arguments(SFNetHead)
    assert {'align', 'lateral_bias', 'num_classes', 'loss_decode', 'in_index', 'init_cfg'} <= accepted
    assert 'self' not in accepted and 'kwargs' not in accepted


def test_arguments_that_go_elsewhere_are_not_judged():
    # its **kwargs are those of SideOutputHead, not of its base ModuleList
    assert accepted_arguments(SideOutputHeads) is None
