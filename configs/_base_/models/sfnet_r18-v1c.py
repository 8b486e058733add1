# SFNet on mmseg's ResNetV1c, for its public ImageNet weights: stem 32-32-64 instead of 64-64-128, no dilation.
_base_ = './sfnet_r18.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNetV1c',
        depth=18,
        norm_cfg=_base_.norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet18_v1c')))
