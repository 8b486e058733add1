# Small enough for a CPU: ResNet-18 and half of the channels.
_base_ = [
    '../_base_/models/alignseg_r50.py', '../_base_/datasets/street_scenes.py', '../_base_/schedules/schedule_1k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(depth=18),
    decode_head=dict(in_channels=[64, 128, 256, 512], channels=128, num_classes=11),
    auxiliary_head=dict(in_channels=128, channels=128, num_classes=11))
train_dataloader = dict(batch_size=4)
