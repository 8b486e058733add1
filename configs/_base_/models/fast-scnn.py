# Fast-SCNN, stock mmseg parts.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True, momentum=0.01)
model = dict(
    backbone=dict(type='FastSCNN', out_indices=(0, 1, 2), norm_cfg=norm_cfg, align_corners=False),
    decode_head=dict(
        type='DepthwiseSeparableFCNHead',
        in_channels=128,
        in_index=-1,
        channels=128,
        concat_input=False,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True, avg_non_ignore=True, loss_weight=1.0)),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_channels=128,
            in_index=-2,
            channels=32,
            num_convs=1,
            concat_input=False,
            num_classes=num_classes,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True, avg_non_ignore=True, loss_weight=0.4)),
        dict(
            type='FCNHead',
            in_channels=64,
            in_index=-3,
            channels=32,
            num_convs=1,
            concat_input=False,
            num_classes=num_classes,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True, avg_non_ignore=True, loss_weight=0.4))
    ])
