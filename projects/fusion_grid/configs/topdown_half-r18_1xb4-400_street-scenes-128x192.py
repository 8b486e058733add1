# A pyramid small enough to train a dozen times on two cores, from nothing, 128x192 pixels.
_base_ = [
    '../../../configs/_base_/models/topdown_half-r18.py', '../../../configs/_base_/datasets/street_scenes.py',
    '../../../configs/_base_/schedules/schedule_1k.py', '../../../configs/_base_/default_runtime.py',
    '../../../configs/_base_/evaluation/boundary.py'
]
size = (128, 192)
max_iters = 400
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=_base_.num_classes),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
model = dict(data_preprocessor=dict(size=size))
alone = dict(num_workers=0, persistent_workers=False)  # loading such images is nothing beside a training step
train_dataloader = dict(batch_size=4, dataset=dict(size=size, num_images=240, pipeline=train_pipeline), **alone)
val_dataloader = dict(dataset=dict(size=size, num_images=20), **alone)
test_dataloader = dict(dataset=dict(size=size, num_images=60), **alone)
test_evaluator = {{_base_.boundary_evaluator}}
optim_wrapper = dict(optimizer=dict(lr=0.02))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=max_iters, by_epoch=False)]
train_cfg = dict(max_iters=max_iters, val_interval=100)
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(interval=100, save_best=None, max_keep_ckpts=1),
    visualization=dict(draw=False))
