# AlignSeg on mmseg's ResNetV1c, for its public ImageNet weights: stem 32-32-64 instead of 64-64-128, poolings round
# down, and images as these weights have seen them.
_base_ = './alignseg_r50.py'
model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(
        _delete_=True,
        type='ResNetV1c',
        depth=50,
        norm_cfg=_base_.norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c')))
