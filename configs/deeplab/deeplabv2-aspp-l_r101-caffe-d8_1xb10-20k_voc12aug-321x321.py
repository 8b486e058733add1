# ASPP-L on ResNet-101 as released (Caffe) and as kazuto1011/deeplab-pytorch runs it, for the converted files of either:
# the first pooling rounds up, BGR less the mean. The authors take the maximum over three scales of the image; here one.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py', '../_base_/datasets/pascal_voc12_aug_321.py',
    '../_base_/schedules/schedule_20k.py', '../_base_/default_runtime.py'
]
load_from = f'{_base_.converted_root}/deeplabv2-aspp-l_r101_voc12.pth'
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, mean=[104.008, 116.669, 122.675], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(type='CaffeResNet', norm_eval=True, norm_cfg=dict(type='BN', requires_grad=False)),
    decode_head=dict(num_classes=21))
optim_wrapper = dict(
    optimizer=dict(lr=2.5e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head.branches': dict(lr_mult=10.),
            **{f'decode_head.branches.{i}.bias': dict(lr_mult=20.)
               for i in range(4)}
        }))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=20000, by_epoch=False)]
train_cfg = dict(val_interval=1000)
train_dataloader = dict(batch_size=10)
