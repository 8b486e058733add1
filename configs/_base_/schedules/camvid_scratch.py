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
