# LinkNet on ResNet-18 in the authors' Lua wiring: ReLU after every sum, decoder norms with eps 1e-3.
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
        type='StemResNet', depth=18, norm_cfg=norm_cfg, norm_eval=False, style='pytorch', contract_dilation=True),
    decode_head=dict(
        type='LinkNetHead',
        in_channels=[3, 64, 64, 128, 256, 512],
        channels=32,
        norm_cfg=dict(type='BN', eps=1e-3, requires_grad=True),
        num_classes=num_classes,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
