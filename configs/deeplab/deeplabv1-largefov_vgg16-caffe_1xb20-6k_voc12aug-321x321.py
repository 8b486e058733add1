# LargeFOV as released, for its converted caffemodel: sizes rounded up, an average pooling before fc6, BGR less its
# mean, scores resized with aligned corners. Training goes on from that file.
_base_ = [
    '../_base_/models/deeplabv2_vgg16.py', '../_base_/datasets/pascal_voc12_aug_321.py',
    '../_base_/schedules/schedule_20k.py', '../_base_/default_runtime.py'
]
load_from = f'{_base_.converted_root}/deeplabv1-largefov_vgg16_voc12.pth'
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, mean=[104.008, 116.669, 122.675], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(ceil_mode=True, average_pool=True),
    decode_head=dict(num_classes=21, dilations=(12, ), align_corners=True))
optim_wrapper = dict(
    optimizer=dict(lr=1e-3), paramwise_cfg=dict(custom_keys={'decode_head.branches.0.4': dict(lr_mult=10.)}))
param_scheduler = [dict(type='MultiStepLR', milestones=[2000, 4000], gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=6000, val_interval=1000)
train_dataloader = dict(batch_size=20)
