"""Test-time augmentation of networks with one output and with several."""
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.structures import SegDataSample
from torch import nn

from segfusion.models.segmentors import ProbabilityTTAModel


def network(outputs, threshold=None):
    """What the wrapper asks of a segmentor."""
    module = nn.Module()
    module.test_step, module.out_channels = None, outputs
    module.decode_head = nn.Module()
    module.decode_head.threshold = threshold
    return module


def views(*maps):
    """One image seen several times."""
    return [[SegDataSample(seg_logits=PixelData(data=torch.tensor(m)), metainfo=dict(img_path='a.png')) for m in maps]]


def test_one_output_is_the_mean_probability():
    seen = [[[0.1, 0.6, 0.9]]], [[[0.2, 0.5, 0.4]]]  # after the sigmoid, as mmseg's segmentors give it
    (sample, ) = ProbabilityTTAModel(network(1, 0.5)).merge_preds(views(*seen))
    assert sample.pred_sem_seg.data.tolist() == [[[0., 1., 1.]]]  # means 0.15, 0.55, 0.65
    (theirs, ) = SegTTAModel(network(1, 0.5)).merge_preds(views(*seen))
    assert theirs.pred_sem_seg.data.tolist() == [[[1., 1., 1.]]]  # why ours is there


def test_several_outputs_are_left_to_mmseg():
    seen = [[[3., 0.]], [[0., 1.]]], [[[0., 0.]], [[1., 9.]]]
    (ours, ), (theirs, ) = (kind(network(2)).merge_preds(views(*seen)) for kind in (ProbabilityTTAModel, SegTTAModel))
    assert ours.pred_sem_seg.data.tolist() == theirs.pred_sem_seg.data.tolist() == [[[0, 1]]]


@pytest.mark.parametrize('threshold, label', [(0.14, 1.), (0.16, 0.)])
def test_the_threshold_is_the_heads(threshold, label):
    (sample, ) = ProbabilityTTAModel(network(1, threshold)).merge_preds(views([[[0.1]]], [[[0.2]]]))
    assert sample.pred_sem_seg.data.item() == label
