_base_ = [
    '../_base_/models/sfnet_r18.py', '../_base_/datasets/ade20k.py', '../_base_/schedules/schedule_160k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(depth=101),
    decode_head=dict(in_channels=[256, 512, 1024, 2048], channels=256, num_classes=150),
    auxiliary_head=dict(in_channels=256, channels=256, num_classes=150))
train_dataloader = dict(batch_size=2)
