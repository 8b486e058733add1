# The authors' recipe as far as it is known for other data: SGD at 5e-4, a tenth of it for the last third, momentum .9,
# ImageNet weights.
_base_ = './refinenet_r50_1xb8-20k-scratch_camvid-360x480.py'
model = dict(
    backbone=dict(depth=101, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101')))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=5e-4, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='MultiStepLR', milestones=[20000], gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=30000, val_interval=1000)
train_dataloader = dict(batch_size=4)
