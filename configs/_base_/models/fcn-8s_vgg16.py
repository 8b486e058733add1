# FCN-8s on VGG16 with fc6 and fc7 as convolutions. Widths are those of the ImageNet classifier.
num_classes = 11
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
        outputs=('image', 'pool3', 'pool4', 'tail'),
        first_padding=100,
        tail=[
            dict(out_channels=4096, kernel_size=7, padding=0, dropout=0.5),
            dict(out_channels=4096, kernel_size=1, dropout=0.5),
        ]),
    decode_head=dict(
        type='FCNSkipHead',
        in_channels=[3, 256, 512, 4096],
        num_classes=num_classes,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
