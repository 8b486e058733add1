# What `make demo` trains: a few minutes on two cores. A demonstration of the loop, not of what SFNet can do.
_base_ = './sfnet_r18_1xb4-1k_street-scenes-192x256.py'
size = (128, 192)
max_iters = 240
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=11),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
model = dict(data_preprocessor=dict(size=size))
train_dataloader = dict(dataset=dict(size=size, num_images=240, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(size=size, num_images=20))
test_dataloader = dict(dataset=dict(size=size, num_images=40))
optim_wrapper = dict(optimizer=dict(lr=0.02))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=max_iters, by_epoch=False)]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
default_hooks = dict(
    logger=dict(interval=20), checkpoint=dict(interval=max_iters, save_best=None), visualization=dict(draw=False))
