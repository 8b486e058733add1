# The paper's recipe: SGD at a fixed rate of .1, batch 12, ImageNet weights in the encoder. The released solver takes
# rate 1e-3 and batch 4.
_base_ = './segnet_vgg16_1xb8-20k-scratch_camvid-360x480.py'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=40000, by_epoch=False)]
train_cfg = dict(max_iters=40000, val_interval=1000)
train_dataloader = dict(batch_size=12)
