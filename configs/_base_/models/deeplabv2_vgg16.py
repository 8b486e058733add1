# DeepLab v2 ASPP-L on VGG16: poolings 3x3, the last two of stride 1, conv5 dilated, output at 1/8.
_base_ = './encoder_decoder.py'
num_classes = 11
model = dict(
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
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
