_base_ = [
    '../_base_/models/bisenetv2.py', '../_base_/datasets/cityscapes_1024x1024.py',
    '../_base_/schedules/schedule_160k.py', '../_base_/default_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size))
train_dataloader = dict(batch_size=4)
optim_wrapper = dict(optimizer=dict(lr=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=1000, by_epoch=False),
    dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=1000, end=_base_.max_iters, by_epoch=False)
]
