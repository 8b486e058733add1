# A pyramid that one core trains from nothing: ResNet-18 of half width, 64 channels, levels resized and added.
_base_ = './encoder_decoder.py'
num_classes = 11
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(type='ResNetV1c', depth=18, base_channels=32, stem_channels=32, norm_cfg=norm_cfg),
    decode_head=dict(
        type='TopDownHead',
        in_channels=[32, 64, 128, 256],
        channels=64,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=True,
        context=dict(type='PyramidPoolingContext'),
        align=dict(type='BilinearAlign'),
        fusion=dict(type='SumFusion'),
        loss_decode=dict(type='CrossEntropyLoss')))
