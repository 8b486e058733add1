_base_ = [
    '../_base_/models/segmenter_vit-t_mask.py', '../_base_/datasets/ade20k.py', '../_base_/schedules/schedule_160k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=_base_.crop_size))
optim_wrapper = dict(optimizer=dict(lr=0.001, weight_decay=0.))
param_scheduler = [dict(type='PolyLR', eta_min=1e-5, power=0.9, begin=0, end=_base_.max_iters, by_epoch=False)]
train_dataloader = dict(batch_size=1)
