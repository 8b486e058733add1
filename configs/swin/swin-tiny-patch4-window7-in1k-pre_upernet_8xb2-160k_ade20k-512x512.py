_base_ = [
    '../_base_/models/upernet_swin-t.py', '../_base_/datasets/ade20k.py', '../_base_/schedules/adamw_160k.py',
    '../_base_/default_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size))
train_dataloader = dict(batch_size=2)
