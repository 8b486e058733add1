# Ours.
_base_ = [
    '../_base_/models/sem-fpn_pvt-t.py', '../_base_/datasets/cityscapes_512x1024.py',
    '../_base_/schedules/adamw_80k.py', '../_base_/default_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size), decode_head=dict(num_classes=19))
train_dataloader = dict(batch_size=2)
