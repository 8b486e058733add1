# GFF with the released WideResNet-38 trunk: strides 2, 8, 8; channel gates, updated one after the other.
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
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
    backbone=dict(type='WideResNet38', out_indices=(1, 4, 6), norm_cfg=norm_cfg),
    decode_head=dict(
        type='GFFHead',
        form='released',
        in_channels=[128, 1024, 4096],
        channels=128,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
