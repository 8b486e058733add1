# LargeFOV as released, for its converted caffemodel: sizes rounded up, an average pooling before fc6, BGR less its
# mean, scores resized with aligned corners. Training it takes a VGG16 of Caffe, or the converted file, in load_from.
_base_ = [
    '../_base_/models/deeplabv2_vgg16.py', '../_base_/datasets/pascal_voc12_aug_321.py',
    '../_base_/schedules/schedule_20k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=(321, 321), mean=[104.008, 116.669, 122.675], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(ceil_mode=True, average_pool=True),
    decode_head=dict(num_classes=21, dilations=(12, ), align_corners=True))
optim_wrapper = dict(
    optimizer=dict(lr=1e-3), paramwise_cfg=dict(custom_keys={'decode_head.branches.0.4': dict(lr_mult=10.)}))
param_scheduler = [dict(type='MultiStepLR', milestones=[2000, 4000], gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=6000, val_interval=1000)
default_hooks = dict(checkpoint=dict(interval=1000))
train_dataloader = dict(batch_size=20)
