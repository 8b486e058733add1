# The authors' recipe: SGD from 1e-3, a tenth every 50000 iterations, batch 6, ImageNet weights in the encoder.
_base_ = './gfrnet_vgg16_1xb8-20k-scratch_camvid-360x480.py'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='MultiStepLR', milestones=[50000, 100000], gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=150000, val_interval=2000)
train_dataloader = dict(batch_size=6)
