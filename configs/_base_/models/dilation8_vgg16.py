# Dilation8: VGG16 without its last two poolings, unpadded on a reflected image, and the context module on the scores.
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
        outputs=('image', 'tail'),
        reflect_padding=186,
        pool_strides=(2, 2, 2, 0, 0),
        dilations=(1, 1, 1, 1, 2),
        tail=[
            dict(out_channels=4096, kernel_size=7, dilation=4, dropout=0.5),
            dict(out_channels=4096, kernel_size=1, dropout=0.5),
        ]),
    decode_head=dict(
        type='DilationHead',
        in_channels=[3, 4096],
        context=dict(type='DilatedContext', dilations=(1, 1, 2, 4, 8, 16, 1)),
        num_classes=num_classes,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
