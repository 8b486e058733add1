# The authors' first stage: one image a step, SGD with momentum .99 from ImageNet weights. Their loss is a sum over
# pixels at 1e-10; ours is the mean, so the rate is multiplied by the 172800 pixels.
_base_ = './fcn-8s_vgg16_1xb8-20k-scratch_camvid-360x480.py'
model = dict(
    backbone=dict(
        outputs=('image', 'tail'), init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')),
    decode_head=dict(in_channels=[3, 4096]))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1.7e-5, momentum=0.99, weight_decay=5e-4),
    paramwise_cfg=dict(bias_lr_mult=2., bias_decay_mult=0.))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=100000, by_epoch=False)]
train_cfg = dict(max_iters=100000, val_interval=2000)
train_dataloader = dict(batch_size=1)
