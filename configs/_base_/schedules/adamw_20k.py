# As adamw_160k.py for small data sets: shorter, and heads learn ten times as fast as the pretrained trunk.
_base_ = './adamw_160k.py'
max_iters = 20000
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.))))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=500),
    dict(type='PolyLR', eta_min=0., power=1.0, begin=500, end=max_iters, by_epoch=False)
]
train_cfg = dict(max_iters=max_iters, val_interval=2000)
