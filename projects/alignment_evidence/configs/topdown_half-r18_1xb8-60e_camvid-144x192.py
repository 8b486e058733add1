# CamVid at half size with a pyramid that one core trains from nothing.
_base_ = [
    '../../../configs/_base_/models/topdown_half-r18.py', '../../../configs/_base_/datasets/camvid.py',
    '../../../configs/_base_/default_runtime.py'
]
epochs = 60  # the one number that sets the length
size = (180, 240)
crop_size = (144, 192)
iterations_per_epoch = 46  # 367 images in batches of 8
max_iters = epochs * iterations_per_epoch
warmup = 2 * iterations_per_epoch
load = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=_base_.num_classes)
]
train_pipeline = [
    *load,
    dict(type='RandomResize', scale=size[::-1], ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs')
]
# Scored at half size: the resized image becomes the original one, to whose size mmseg brings the logits.
half_pipeline = [
    *load,
    dict(type='Resize', scale=size[::-1]),
    dict(type='LoadImageFromNDArray'),
    dict(type='PackSegInputs')
]
# Scored at 360x480: the network sees half the size, the labels stay as they are, and the logits go to their size.
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=size[::-1]),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=_base_.num_classes),
    dict(type='PackSegInputs')
]
model = dict(data_preprocessor=dict(size=crop_size))
alone = dict(num_workers=0, persistent_workers=False)  # one core a member: another process would only wait for it
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline), **alone)
val_dataloader = dict(dataset=dict(pipeline=half_pipeline), **alone)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline), **alone)
test_evaluator = [
    dict(type='FrequencyWeightedIoUMetric', iou_metrics=['mIoU']),
    dict(type='BoundaryIoUMetric'),
    dict(type='TrimapIoUMetric', widths=(1, 2, 3, 5, 8, 12, 20, 40)),
    dict(type='BoundaryFScoreMetric'),
]
# bfloat16 takes 0.55 of float32's time on a core that multiplies it (AVX-512 BF16); validation and test stay in float32
optim_wrapper = dict(type='Bfloat16OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=warmup, by_epoch=False),
    dict(type='PolyLR', eta_min=1e-6, power=0.9, begin=warmup, end=max_iters, by_epoch=False)
]
train_cfg = dict(
    type='ReproducibleIterBasedTrainLoop', max_iters=max_iters, val_interval=5 * iterations_per_epoch)
channels_last = True
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    logger=dict(interval=iterations_per_epoch),
    checkpoint=dict(interval=iterations_per_epoch * 5, save_best=None, max_keep_ckpts=1),
    visualization=dict(draw=False))
