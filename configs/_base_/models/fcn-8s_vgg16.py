# FCN-8s on VGG16 with fc6 and fc7 as convolutions. Widths are those of the ImageNet classifier.
_base_ = './encoder_decoder.py'
num_classes = 11
model = dict(
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
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
