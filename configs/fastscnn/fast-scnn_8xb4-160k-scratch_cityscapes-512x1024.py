_base_ = [
    '../_base_/models/fast-scnn.py', '../_base_/datasets/cityscapes_512x1024.py',
    '../_base_/schedules/schedule_160k.py', '../_base_/default_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size))
train_dataloader = dict(batch_size=4)
optim_wrapper = dict(optimizer=dict(lr=0.12, weight_decay=4e-5))
