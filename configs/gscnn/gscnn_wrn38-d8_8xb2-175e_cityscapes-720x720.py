# The released recipe: SGD 0.01, momentum 0.9, weight decay 1e-4, power 1 once an epoch, 175 epochs on 8 GPUs. Two crops
# a GPU are ours. with_cp recomputes blocks to fit them.
_base_ = [
    '../_base_/models/gscnn_wrn38-d8.py', '../_base_/datasets/cityscapes_720x720_boundaries.py',
    '../_base_/schedules/poly_175e.py', '../_base_/epoch_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        backbone=dict(
            with_cp=True,
            init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/wide-resnet38_imagenet.pth'))))
train_dataloader = dict(sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True))
optim_wrapper = dict(optimizer=dict(lr=0.01))
