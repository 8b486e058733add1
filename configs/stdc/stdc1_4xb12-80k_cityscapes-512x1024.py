_base_ = [
    '../_base_/models/stdc1.py', '../_base_/datasets/cityscapes_512x1024.py',
    '../_base_/schedules/schedule_80k.py', '../_base_/default_runtime.py'
]
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/stdc/stdc1_20220308-5368626c.pth'
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(backbone_cfg=dict(init_cfg=dict(type='Pretrained', checkpoint=checkpoint))))
train_dataloader = dict(batch_size=12)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=1000, by_epoch=False),
    dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=1000, end=_base_.max_iters, by_epoch=False)
]
