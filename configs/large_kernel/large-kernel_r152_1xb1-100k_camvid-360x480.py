# The authors' optimiser: SGD, one image a step, momentum .99. ResNet-152 with ImageNet weights, 15x15 kernels. Their
# rate is not stated in the paper; 1e-4 is ours.
_base_ = './large-kernel_r50_1xb8-20k-scratch_camvid-360x480.py'
model = dict(
    backbone=dict(depth=152, norm_eval=True, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet152')),
    decode_head=dict(context=dict(kernel_size=15)))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-4, momentum=0.99, weight_decay=5e-4))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=100000, by_epoch=False)]
train_cfg = dict(max_iters=100000, val_interval=2000)
train_dataloader = dict(batch_size=1)
