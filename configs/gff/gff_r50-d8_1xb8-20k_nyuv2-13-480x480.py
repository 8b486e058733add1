_base_ = [
    '../_base_/models/gff_r50-d8.py', '../_base_/datasets/nyuv2-13.py', '../_base_/schedules/schedule_20k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=13),
    auxiliary_head=dict(num_classes=13))
train_dataloader = dict(batch_size=8)
