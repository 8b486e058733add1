# The authors' optimiser and ImageNet weights, on CamVid.
_base_ = './maskformer_r50-d32_1xb8-20k-scratch_camvid-360x480.py'
model = dict(
    backbone=dict(norm_eval=True, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=1e-4),
    clip_grad=dict(max_norm=0.01, norm_type=2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
param_scheduler = [dict(type='PolyLR', eta_min=0, power=0.9, begin=0, end=20000, by_epoch=False)]
