# SFNet-Lite with the released ResNet-18 trunk; no deep supervision, as released.
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
    backbone=dict(type='DeepStemResNet', depth=18, conv2_dilations=(1, 1, 2, 4), norm_cfg=norm_cfg),
    decode_head=dict(
        type='SFNetLiteHead',
        in_channels=[64, 256, 512],
        channels=128,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='OHEMLoss', thres=0.7, min_kept=100000)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
