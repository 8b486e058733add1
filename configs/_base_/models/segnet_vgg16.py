# SegNet: VGG16's 13 convolutions with batch norm, and the same convolutions backwards after each unpooling.
num_classes = 11
norm_cfg = dict(type='BN', requires_grad=True)
data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
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
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
