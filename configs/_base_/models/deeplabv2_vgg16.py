# DeepLab v2 ASPP-L on VGG16: poolings 3x3, the last two of stride 1, conv5 dilated, output at 1/8.
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
        outputs=('pool5', ),
        pool_kernel=3,
        ceil_mode=False,  # Caffe rounds up; at the authors' sizes, 8 k + 1, that is the same
        pool_strides=(2, 2, 2, 1, 1),
        dilations=(1, 1, 1, 1, 2)),
    decode_head=dict(
        type='DeepLabV2Head',
        in_channels=512,
        in_index=0,
        dilations=(6, 12, 18, 24),
        mid_channels=1024,
        num_classes=num_classes,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
