# The recipe that all networks share on CamVid without ImageNet weights: Adam at ENet's rate, warm-up, poly decay.
max_iters = 20000
optimizer = dict(type='Adam', lr=5e-4, weight_decay=2e-4)
# Networks without norms (FCN, RefineNet's decoder) need the clipping at the start.
optim_wrapper = dict(type='OptimWrapper', optimizer=optimizer, clip_grad=dict(max_norm=5, norm_type=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=500, by_epoch=False),
    dict(type='PolyLR', eta_min=1e-6, power=0.9, begin=500, end=max_iters, by_epoch=False)
]
train_cfg = dict(type='ReproducibleIterBasedTrainLoop', max_iters=max_iters, val_interval=1000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    checkpoint_fit=dict(type='CheckpointFitHook'),
    label_audit=dict(type='LabelAuditHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='AtomicCheckpointHook', by_epoch=False, interval=1000, max_keep_ckpts=2, save_best='mIoU'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    determinism=dict(type='ValidationDeterminismHook'),
    visualization=dict(type='SegVisualizationHook'))
