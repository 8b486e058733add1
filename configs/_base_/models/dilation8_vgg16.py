# Dilation8: VGG16 without its last two poolings, unpadded on a reflected image, and the context module on the scores.
_base_ = './encoder_decoder.py'
num_classes = 11
model = dict(
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
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
