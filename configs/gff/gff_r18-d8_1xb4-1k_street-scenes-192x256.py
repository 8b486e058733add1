_base_ = [
    '../_base_/models/gff_r50-d8.py', '../_base_/datasets/street_scenes.py', '../_base_/schedules/schedule_1k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(depth=18, init_cfg=None),  # drawn scenes need no ImageNet weights, and no download
    decode_head=dict(in_channels=[64, 128, 256, 512], channels=64, merge_channels=64, num_classes=11),
    auxiliary_head=dict(in_channels=256, channels=64, num_classes=11))
train_dataloader = dict(batch_size=4)
