# The network whose weights come with the package: ResNet-18 of half width, drawn streets, an hour on a core.
_base_ = './sfnet_r18_1xb4-1k_street-scenes-192x256.py'
max_iters = 3000
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(
        _delete_=True, type='ResNetV1c', depth=18, base_channels=32, stem_channels=32, norm_cfg=norm_cfg),
    decode_head=dict(
        in_channels=[32, 64, 128, 256],
        channels=64,
        loss_decode=[
            dict(type='CrossEntropyLoss', avg_non_ignore=True),
            dict(type='ClasswiseDiceLoss'),
        ]),
    auxiliary_head=None)
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(num_images=1500))
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0, persistent_workers=False)
optim_wrapper = dict(
    type='Bfloat16OptimWrapper', optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.02))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=100, by_epoch=False),
    dict(type='PolyLR', eta_min=1e-5, power=0.9, begin=100, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=1000)
channels_last = True
custom_hooks = [dict(type='EMAHook', momentum=0.002, update_buffers=True)]
default_hooks = dict(checkpoint=dict(interval=250, max_keep_ckpts=1), visualization=dict(draw=False))
