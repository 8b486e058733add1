# A pyramid small enough to train a dozen times on two cores: ResNet-18 of half width, from nothing, 128x192 pixels.
_base_ = [
    '../../../configs/_base_/datasets/street_scenes.py', '../../../configs/_base_/schedules/schedule_1k.py',
    '../../../configs/_base_/default_runtime.py'
]
num_classes = 11
size = (128, 192)
max_iters = 400
norm_cfg = dict(type='SyncBN', requires_grad=True)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=num_classes),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=size),
    backbone=dict(type='ResNetV1c', depth=18, base_channels=32, stem_channels=32, norm_cfg=norm_cfg),
    decode_head=dict(
        type='TopDownHead',
        in_channels=[32, 64, 128, 256],
        channels=64,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=True,
        context=dict(type='PyramidPoolingContext'),
        align=dict(type='BilinearAlign'),
        fusion=dict(type='SumFusion'),
        loss_decode=dict(type='CrossEntropyLoss')),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
alone = dict(num_workers=0, persistent_workers=False)  # loading such images is nothing beside a training step
train_dataloader = dict(batch_size=4, dataset=dict(size=size, num_images=240, pipeline=train_pipeline), **alone)
val_dataloader = dict(dataset=dict(size=size, num_images=20), **alone)
test_dataloader = dict(dataset=dict(size=size, num_images=60), **alone)
optim_wrapper = dict(optimizer=dict(lr=0.02))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=max_iters, by_epoch=False)]
train_cfg = dict(max_iters=max_iters, val_interval=100)
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(interval=100, save_best=None, max_keep_ckpts=1),
    visualization=dict(draw=False))
