# SegNet: VGG16's 13 convolutions with batch norm, and the same convolutions backwards after each unpooling.
_base_ = './encoder_decoder.py'
num_classes = 11
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(
        type='VGGEncoder',
        outputs=('indices1', 'indices2', 'indices3', 'indices4', 'indices5', 'pool5'),
        norm_cfg=norm_cfg),
    decode_head=dict(
        type='SegNetHead',
        in_channels=[64, 128, 256, 512, 512, 512],
        stages=[[64], [128, 64], [256, 256, 128], [512, 512, 256], [512, 512, 512]],
        norm_cfg=norm_cfg,
        num_classes=num_classes,
        align_corners=False,
        init_cfg=dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
