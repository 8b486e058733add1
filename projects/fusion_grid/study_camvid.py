_base_ = './study.py'  # the same axes
title = 'Alignment, gates and context on CamVid'
question = ('HOW two levels are lined up, WHERE each of them is believed, and WHAT the scene says: which of the three '
            'pays in SFNet with a ResNet-18 on CamVid?')
base = '../../configs/sfnet/sfnet_r18-v1c_1xb8-20k_camvid-360x480.py'
overrides = {'test_evaluator': [
    dict(type='FrequencyWeightedIoUMetric', iou_metrics=['mIoU']),
    dict(type='BoundaryIoUMetric'),
    dict(type='TrimapIoUMetric'),
    dict(type='BoundaryFScoreMetric'),
]}
seeds = [0, 1, 2]
measure = dict(size=(360, 480), repeats=21)
images = 4
