# The authors' first stage: the front end alone, SGD at 1e-4, ImageNet weights.
_base_ = './dilation8_vgg16_1xb8-20k-scratch_camvid-360x480.py'
model = dict(
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')), decode_head=dict(context=None))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(bias_lr_mult=2., bias_decay_mult=0.))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=20000, by_epoch=False)]
train_cfg = dict(max_iters=20000, val_interval=1000)
