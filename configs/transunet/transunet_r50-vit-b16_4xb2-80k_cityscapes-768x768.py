# The released optimiser; crops, batch and iterations are ours (no release for streets).
_base_ = [
    '../_base_/models/transunet_r50-vit-b16.py', '../_base_/datasets/cityscapes_768x768.py',
    '../_base_/schedules/schedule_80k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        img_size=_base_.crop_size,
        init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/r50-vit-b16_google_768x768.pth')),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(512, 512)))
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', eta_min=0, power=0.9, begin=0, end=80000, by_epoch=False)]
