"""Levels, parts and problems of composed networks, by their known numbers."""
from pathlib import Path

from mmengine.config import Config

from segfusion.diagnosis.network import class_problems, describe_network, network_text

CONFIGS = Path(__file__).parents[2] / 'configs'


def sfnet(**head):
    config = Config.fromfile(CONFIGS / 'sfnet' / 'sfnet_r18_1xb4-1k_street-scenes-192x256.py')
    config.model.decode_head.update(head)
    return config


def test_levels_and_parts_of_sfnet():
    net = describe_network(sfnet(), (128, 192))
    assert [(level.stride, level.channels, level.size) for level in net.levels] == [
        ('4', 64, (32, 48)), ('8', 128, (16, 24)), ('16', 256, (8, 12)), ('32', 512, (4, 6))]
    assert all(level.readers == ['decode_head'] for level in net.levels) and net.problems == []
    assert [(p.slot, p.name, p.count, p.where) for p in net.parts] == [
        ('context', 'PyramidPoolingContext', 1, 'decode_head.context'),
        ('fusion', 'SumFusion', 3, 'decode_head.fusions.0'), ('align', 'FlowAlign', 3, 'decode_head.aligns.0')]
    # FlowAlign: two 1x1 convolutions 128 -> 64 and a 3x3 to two channels, three times
    assert net.parts[2].params == 3 * (2 * 128 * 64 + 9 * 128 * 2)
    text = network_text(net)
    assert 'level 1  stride 8    128 x 16 x 24      read by decode_head' in text
    assert 'HOW do two levels line up?         3 x FlowAlign' in text and '- (no refiner)' in text


def test_wrong_channel_list_is_answered_with_the_right_one():
    net = describe_network(sfnet(in_channels=[256, 512, 1024, 2048]), (64, 64))
    assert net.parts == [] and len(net.problems) == 1
    assert 'is [256, 512, 1024, 2048], but' in net.problems[0]
    assert 'write in_channels=[64, 128, 256, 512]' in net.problems[0]


def test_channel_list_left_out_is_suggested_or_filled_in():
    config = sfnet(in_channels=None)
    assert 'is left out, but' in describe_network(config, (64, 64)).problems[0]
    config.model.type = 'FittedEncoderDecoder'
    assert describe_network(config, (64, 64)).problems == []


def test_heads_that_disagree_about_classes():
    net = describe_network(sfnet(num_classes=19), (64, 64))
    assert net.problems == ['decode_head.num_classes is 19, but StreetScenes has 11 classes: set '
                            'decode_head.num_classes=11']
    assert len(net.parts) == 3  # it can be built, so it is shown


def test_one_output_with_a_sigmoid_is_two_classes():
    config = sfnet(num_classes=1, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True))
    config.model.pop('auxiliary_head')
    config.train_dataloader.dataset.metainfo = dict(classes=('background', 'road'))
    assert class_problems(config) == []
    config.model.decode_head.loss_decode = [config.model.decode_head.loss_decode, dict(type='DiceLoss')]
    assert class_problems(config) == []
    config.model.decode_head.loss_decode[0].use_sigmoid = False
    assert class_problems(config) == ['decode_head.num_classes is 1, but StreetScenes has 2 classes: set '
                                      'decode_head.num_classes=2']


def test_level_that_is_not_there():
    net = describe_network(sfnet(in_index=[0, 1, 2, 4]), (64, 64))
    assert 'names level 4, but the backbone gives 4 levels, 0..3' in net.problems[0]


def test_one_map_is_one_level_and_edges_are_no_classes():
    ddrnet = Config.fromfile(CONFIGS / 'ddrnet/ddrnet_23-slim_1xb8-20k-scratch_camvid-360x480.py')
    net = describe_network(ddrnet, (64, 64))
    assert [(level.channels, level.size) for level in net.levels] == [(128, (8, 8))] and net.problems == []
    stdc = Config.fromfile(CONFIGS / 'stdc/stdc1_1xb8-20k-scratch_camvid-360x480.py')
    assert class_problems(stdc) == []
    stdc.model.auxiliary_head[0].num_classes = 2
    assert class_problems(stdc) == ['auxiliary_head[0].num_classes is 2, but CamVidDataset has 11 classes: set '
                                    'auxiliary_head[0].num_classes=11']
