# The schedule of the released WideResNet-38 networks.
_base_ = './poly_300e.py'
max_epochs = 175
optim_wrapper = dict(optimizer=dict(lr=0.005))
param_scheduler = [dict(type='PolyLR', eta_min=0, power=1.0, begin=0, end=max_epochs, by_epoch=True)]
train_cfg = dict(max_epochs=max_epochs)
