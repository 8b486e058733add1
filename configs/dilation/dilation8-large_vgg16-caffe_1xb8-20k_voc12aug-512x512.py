# For the converted VOC network of the release: the wide context module, padded once; BGR less the mean.
_base_ = [
    '../_base_/models/dilation8_vgg16.py', '../_base_/datasets/pascal_voc12_aug.py',
    '../_base_/schedules/schedule_20k.py', '../_base_/default_runtime.py'
]
load_from = f'{_base_.converted_root}/dilation8-large_vgg16_voc12.pth'
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, mean=[102.93, 111.36, 116.52], std=[1., 1., 1.], bgr_to_rgb=False),
    decode_head=dict(num_classes=21, context=dict(widths=(2, 2, 4, 8, 16, 32, 32), pad_once=True)))
optim_wrapper = dict(
    optimizer=dict(lr=1e-5, momentum=0.99), paramwise_cfg=dict(bias_lr_mult=2., bias_decay_mult=0.))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=20000, by_epoch=False)]
train_dataloader = dict(batch_size=8)
