# SFNet's schedule: SGD, poly with power 1 stepped once an epoch.
max_epochs = 300
optimizer = dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4)
optim_wrapper = dict(type='OptimWrapper', optimizer=optimizer, clip_grad=None)
param_scheduler = [dict(type='PolyLR', eta_min=0, power=1.0, begin=0, end=max_epochs, by_epoch=True)]
train_cfg = dict(type='ReproducibleEpochBasedTrainLoop', max_epochs=max_epochs, val_begin=1, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(
    checkpoint_fit=dict(type='CheckpointFitHook'),
    label_audit=dict(type='LabelAuditHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='AtomicCheckpointHook', by_epoch=True, interval=10, max_keep_ckpts=3, save_best='mIoU'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    determinism=dict(type='ValidationDeterminismHook'),
    visualization=dict(type='SegVisualizationHook'))
