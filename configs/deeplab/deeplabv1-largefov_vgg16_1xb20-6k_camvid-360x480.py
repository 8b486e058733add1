# The authors' recipe: SGD from 1e-3 (ten times that for the new layers), a tenth every 2000 of 6000 iterations, batch
# 20, ImageNet weights. They subsample the labels by 8; here the logits are resized.
_base_ = './deeplabv1-largefov_vgg16_1xb8-20k-scratch_camvid-360x480.py'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys={'decode_head.branches': dict(lr_mult=10.)}))
param_scheduler = [dict(type='MultiStepLR', milestones=[2000, 4000], gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=6000, val_interval=1000)
train_dataloader = dict(batch_size=20)
