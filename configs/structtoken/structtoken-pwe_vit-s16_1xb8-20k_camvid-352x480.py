# The optimiser of ADE20K; crop, batch and iterations are ours.
_base_ = [
    '../_base_/models/structtoken_vit-s16.py', '../_base_/datasets/camvid_352x480.py',
    '../_base_/schedules/structtoken_160k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, test_cfg=dict(size_divisor=16)),
    backbone=dict(
        img_size=_base_.crop_size,
        init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/vit-s16_google-i21k.pth')),
    decode_head=dict(type='PointwiseStructTokenHead', image_size=_base_.crop_size, num_classes=11))
train_dataloader = dict(batch_size=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=500),
    dict(type='PolyLR', eta_min=0., power=1.0, begin=500, end=20000, by_epoch=False)
]
train_cfg = dict(max_iters=20000, val_interval=2000)
