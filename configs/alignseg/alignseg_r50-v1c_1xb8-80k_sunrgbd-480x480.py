_base_ = [
    '../_base_/models/alignseg_r50-v1c.py', '../_base_/datasets/sunrgbd.py', '../_base_/schedules/schedule_80k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=37),
    auxiliary_head=dict(num_classes=37))
train_dataloader = dict(batch_size=8)
