# G-FRNet on VGG16 with batch norm; the same loss on all six predictions.
_base_ = './encoder_decoder.py'
num_classes = 11
norm_cfg = dict(type='BN', requires_grad=True)
loss = dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)
model = dict(
    backbone=dict(
        type='VGGEncoder',
        outputs=('conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'pool5', 'tail'),
        pool_dropout=(0, 0, 0.5, 0.5, 0.5),
        tail=[
            dict(out_channels=1024, kernel_size=3, padding=1, dropout=0.5),
            dict(out_channels=1024, kernel_size=3, padding=1, dropout=0.5),
        ],
        norm_cfg=norm_cfg),
    decode_head=dict(
        type='GFRNetHead',
        in_channels=[64, 128, 256, 512, 512, 512, 1024],
        norm_cfg=norm_cfg,
        num_classes=num_classes,
        align_corners=True,
        loss_decode=loss),
    # The five earlier predictions; in_channels and channels are the number of classes.
    auxiliary_head=dict(
        type='SideOutputHeads',
        in_index=[0, 1, 2, 3, 4],
        in_channels=num_classes,
        channels=num_classes,
        num_classes=num_classes,
        classify=False,
        align_corners=True,
        loss_decode=loss))
