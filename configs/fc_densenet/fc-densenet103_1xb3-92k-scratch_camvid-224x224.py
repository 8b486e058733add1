# The authors' recipe: random crops of 224, batch 3, RMSprop from 1e-3 times .995 an epoch, up to 750 epochs, stopped
# when the validation has not improved for 100.
_base_ = './fc-densenet56_1xb8-20k-scratch_camvid-360x480.py'
crop_size = (224, 224)
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(depth=103, with_cp=False),
    decode_head=dict(in_channels=256, channels=256))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=11),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='RMSprop', lr=1e-3, alpha=0.9, weight_decay=1e-4))
param_scheduler = [dict(type='ExponentialLR', gamma=0.99995904, by_epoch=False)]
train_cfg = dict(max_iters=91750, val_interval=612)
custom_hooks = [dict(type='EarlyStoppingHook', monitor='mIoU', patience=20, min_delta=0.)]  # of 5 epochs each
train_dataloader = dict(batch_size=3, dataset=dict(pipeline=train_pipeline))
