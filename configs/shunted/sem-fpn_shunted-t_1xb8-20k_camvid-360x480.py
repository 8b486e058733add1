# Ours.
_base_ = [
    '../_base_/models/sem-fpn_shunted-t.py', '../_base_/datasets/camvid.py', '../_base_/schedules/adamw_20k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8)
