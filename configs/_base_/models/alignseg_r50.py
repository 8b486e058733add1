# AlignSeg with the authors' trunk: deep stem 64-64-128, no dilation, max pooling in ceil mode.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
# BGR in 0..255 less the mean, not divided by anything.
model = dict(
    data_preprocessor=dict(mean=[104.00698793, 116.66876762, 122.67891434], std=[1.0, 1.0, 1.0], bgr_to_rgb=False),
    backbone=dict(type='DeepStemResNet', depth=50, ceil_mode=True, norm_cfg=norm_cfg),
    decode_head=dict(
        type='AlignSegHead',
        in_channels=[256, 512, 1024, 2048],
        channels=256,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    # Deep supervision of the map merged down to stride 16.
    auxiliary_head=dict(
        type='SideOutputHead',
        in_index=2,
        in_channels=256,
        channels=256,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        act_cfg=dict(type='LeakyReLU', negative_slope=0.01),
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.1)))
