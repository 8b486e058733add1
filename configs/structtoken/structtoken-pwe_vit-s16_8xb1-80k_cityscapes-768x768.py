# The optimiser of ADE20K; crop, batch and iterations are ours.
_base_ = [
    '../_base_/models/structtoken_vit-s16.py', '../_base_/datasets/cityscapes_768x768.py',
    '../_base_/schedules/structtoken_160k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        img_size=_base_.crop_size,
        init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/vit-s16_google-i21k.pth')),
    decode_head=dict(type='PointwiseStructTokenHead', image_size=_base_.crop_size, num_classes=19),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(512, 512)))
train_dataloader = dict(batch_size=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', eta_min=0., power=1.0, begin=1500, end=80000, by_epoch=False)
]
train_cfg = dict(max_iters=80000, val_interval=8000)
