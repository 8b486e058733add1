_base_ = [
    '../_base_/models/fcn_r18-d32.py', '../_base_/datasets/street_scenes.py', '../_base_/schedules/schedule_1k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(init_cfg=None),  # drawn scenes need no ImageNet weights, and no download
    decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8)
