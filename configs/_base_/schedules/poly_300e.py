# SFNet's schedule: SGD, poly with power 1 stepped once an epoch.
max_epochs = 300
optimizer = dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4)
optim_wrapper = dict(type='OptimWrapper', optimizer=optimizer, clip_grad=None)
param_scheduler = [dict(type='PolyLR', eta_min=0, power=1.0, begin=0, end=max_epochs, by_epoch=True)]
train_cfg = dict(type='ReproducibleEpochBasedTrainLoop', max_epochs=max_epochs, val_begin=1, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
