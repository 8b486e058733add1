# For the converted CamVid network of the release: BGR less the mean of CamVid. Theirs is 480x640.
_base_ = './dilation8_vgg16_1xb8-20k-scratch_camvid-360x480.py'
load_from = f'{_base_.converted_root}/dilation8_vgg16_camvid.pth'
model = dict(data_preprocessor=dict(mean=[110.703132, 108.778088, 105.412125], std=[1., 1., 1.], bgr_to_rgb=False))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-5, momentum=0.99, weight_decay=5e-4),
    paramwise_cfg=dict(bias_lr_mult=2., bias_decay_mult=0.))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=20000, by_epoch=False)]
train_cfg = dict(max_iters=20000, val_interval=1000)
