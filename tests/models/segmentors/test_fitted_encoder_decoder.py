"""Channel lists are filled in where they are left out and compared where they are given."""
import copy
import inspect
from pathlib import Path
from typing import Sequence, Union

import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch import nn

from segfusion.models.segmentors.fitted_encoder_decoder import channel_problem, run_levels, wanted_channels
from tests.references.samples import batch

CONFIGS = Path(__file__).parents[3] / 'configs'
BN = dict(type='BN')
RESNET = dict(type='ResNet', depth=18, norm_cfg=BN)
FCN = dict(type='FCNHead', channels=4, num_classes=3, norm_cfg=BN, align_corners=False)
TOP_DOWN = dict(type='TopDownHead', channels=8, num_classes=3, norm_cfg=BN, align_corners=False)
LEVELS = [64, 128, 256, 512]


def fitted(head, **kwargs):
    return MODELS.build(dict(type='FittedEncoderDecoder', backbone=RESNET, decode_head=head, train_cfg=dict(),
                             test_cfg=dict(mode='whole'), **kwargs))


@pytest.mark.parametrize('head, expected', [
    (TOP_DOWN, LEVELS), (dict(TOP_DOWN, in_channels=None), LEVELS), (dict(TOP_DOWN, in_index=[1, 3]), [128, 512]),
    (dict(TOP_DOWN, type='SFNetLiteHead', in_channels=None), [64, 256, 512]),  # in_index=(0, 2, 3) by default
    (FCN, 512), (dict(FCN, in_index=1), 128), (dict(FCN, in_index=-2), 256),
    (dict(FCN, in_index=[0, 2], input_transform='resize_concat'), [64, 256]),
])
def test_left_out_channels_are_those_of_the_levels(head, expected):
    assert wanted_channels(head, LEVELS) == expected
    assert channel_problem('decode_head', dict(head, in_channels=expected), LEVELS) == ''
    decode_head = fitted(head).decode_head
    got = decode_head.in_channels
    assert (sum(expected) if 'input_transform' in head else expected) == got


@pytest.mark.parametrize('name', ['TopDownHead', 'SFNetHead', 'AlignSegHead', 'GFFHead', 'ENetHead', 'FCNSkipHead',
                                  'GFRNetHead', 'LargeKernelHead', 'LinkNetHead', 'RefineNetHead', 'SegNetHead'])
def test_heads_that_read_all_levels_say_so_by_their_default(name):
    assert wanted_channels(dict(type=name), LEVELS) == LEVELS
    assert wanted_channels(dict(type=name, in_index=[0, 2]), LEVELS) == [64, 256]
    assert wanted_channels(dict(type='DilationHead'), [3, 512]) == [3, 512]


@pytest.mark.parametrize('annotation', [Union[int, Sequence[int]], 'Sequence[int] | int', inspect.Parameter.empty])
def test_annotations_decide_nothing(annotation):
    """A head that would also take a list reads the last level by default, as BaseDecodeHead says."""

    class Either(MODELS.get('FCNHead')):

        def __init__(self, in_channels, **kwargs):
            super().__init__(in_channels=in_channels, **kwargs)

    Either.__init__.__annotations__['in_channels'] = annotation
    assert wanted_channels(dict(type=Either), LEVELS) == 512
    assert wanted_channels(dict(type=Either, in_index=[1, 2]), LEVELS) == [128, 256]


def test_a_head_reads_the_levels_it_is_told():
    head = MODELS.build(dict(type='RefineNetHead', in_index=[1, 3], in_channels=[4, 6], channels=8, coarse_channels=8,
                             num_classes=3))
    levels = [torch.randn(1, c, s, s) for c, s in ((2, 16), (4, 8), (5, 4), (6, 4))]
    assert head(levels).shape == (1, 3, 8, 8)


def test_auxiliary_heads_and_necks():
    model = fitted(dict(FCN, in_index=0), auxiliary_head=[dict(FCN, in_index=2)],
                   neck=dict(type='FPN', in_channels=LEVELS, out_channels=6, num_outs=4))
    assert model.decode_head.in_channels == 6 and model.auxiliary_head[0].in_channels == 6


@pytest.mark.parametrize('head, message', [
    (dict(TOP_DOWN, in_channels=[256, 512, 1024, 2048]), r'in_channels of decode_head \(TopDownHead\) is \[256, 512, '
     r'1024, 2048\].*gives levels of \[64, 128, 256, 512\].*write in_channels=\[64, 128, 256, 512\]'),
    (dict(FCN, in_channels=2048), r'is 2048, .*write in_channels=512'),
    (dict(FCN, in_index=4), r'in_index=4 of FCNHead names level 4, but the backbone gives 4 levels, 0\.\.3'),
])
def test_given_channels_are_compared(head, message):
    with pytest.raises(ValueError, match=message):
        fitted(head)


def test_nothing_but_the_list_changes():
    """Same weights, statistics and random numbers as with the list written out."""
    path = CONFIGS / 'sfnet' / 'sfnet_r18_1xb4-1k_street-scenes-192x256.py'
    config = Config.fromfile(path).model
    torch.manual_seed(1)
    plain = revert_sync_batchnorm(MODELS.build(copy.deepcopy(config)))
    after = torch.rand(1)
    config.update(type='FittedEncoderDecoder')
    config.decode_head.pop('in_channels')
    torch.manual_seed(1)
    ours = revert_sync_batchnorm(MODELS.build(config))
    assert torch.equal(torch.rand(1), after)
    for (name, a), (other, b) in zip(plain.state_dict().items(), ours.state_dict().items()):
        assert name == other and torch.equal(a, b), name
    assert [m.training for m in plain.modules()] == [m.training for m in ours.modules()]


def test_a_fitted_model_trains():
    model = fitted(TOP_DOWN, auxiliary_head=dict(type='SideOutputHeads', in_index=[0], in_channels=8, channels=4,
                                                 num_classes=3, norm_cfg=BN, align_corners=False),
                   data_preprocessor=dict(type='SegDataPreProcessor', size=(65, 97)))
    data = model.data_preprocessor(batch(3, size=(65, 97)), True)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_refined_networks_are_fitted_too():
    model = MODELS.build(dict(type='RefinedEncoderDecoder', backbone=RESNET, decode_head=TOP_DOWN,
                              refiner=dict(type='CRFAsRNN'), train_cfg=dict(), test_cfg=dict(mode='whole')))
    assert model.decode_head.in_channels == LEVELS


def test_an_assertion_of_a_backbone_also_means_too_small():
    """mmpretrain's Swin: the last map of an image of 128 pixels is smaller than its window."""
    swin = dict(type='mmpretrain.SwinTransformer', arch=dict(embed_dims=8, depths=[1] * 4, num_heads=[1] * 4),
                out_indices=(0, 1, 2, 3), img_size=256)
    with pytest.raises(AssertionError, match='smaller than the window'):
        MODELS.build(swin)(torch.zeros(1, 3, 128, 128))
    assert [level.shape[1] for level in run_levels(MODELS.build(swin))] == [8, 16, 32, 64]
    head = dict(type='FCNHead', in_channels=None, in_index=3, channels=4, num_classes=3)
    model = MODELS.build(dict(type='FittedEncoderDecoder', backbone=swin, decode_head=head))
    assert model.decode_head.in_channels == 64


def test_no_size_at_all():
    with pytest.raises(ValueError, match=r'at least 1 pixel, got \(0, 0\)'):
        run_levels(nn.Identity(), size=(0, 0))


def test_size_grows_until_the_backbone_takes_it():
    class Needs128(torch.nn.Conv2d):

        def forward(self, x):
            if min(x.shape[2:]) < 128:
                raise ValueError('too small')
            return [super().forward(x)]

    backbone = Needs128(3, 5, 1)
    assert [level.shape for level in run_levels(backbone)] == [(1, 5, 128, 128)]
    with pytest.raises(RuntimeError, match=r'Needs128 takes no image of \(64, 64\) pixels: too small'):
        run_levels(backbone, size=(64, 64))
    assert backbone.training
