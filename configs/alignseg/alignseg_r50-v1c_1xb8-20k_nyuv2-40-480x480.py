_base_ = [
    '../_base_/models/alignseg_r50-v1c.py', '../_base_/datasets/nyuv2-40.py', '../_base_/schedules/schedule_20k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=40),
    auxiliary_head=dict(num_classes=40))
train_dataloader = dict(batch_size=8)
