# BiSeNet v2, stock mmseg parts.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(type='BiSeNetV2', out_indices=(0, 1, 2, 3, 4), norm_cfg=norm_cfg, align_corners=False),
    decode_head=dict(
        type='FCNHead',
        in_channels=128,
        in_index=0,
        channels=1024,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_channels=16,
            in_index=1,
            channels=16,
            num_convs=2,
            concat_input=False,
            num_classes=num_classes,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
        dict(
            type='FCNHead',
            in_channels=32,
            in_index=2,
            channels=64,
            num_convs=2,
            concat_input=False,
            num_classes=num_classes,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
        dict(
            type='FCNHead',
            in_channels=64,
            in_index=3,
            channels=256,
            num_convs=2,
            concat_input=False,
            num_classes=num_classes,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
        dict(
            type='FCNHead',
            in_channels=128,
            in_index=4,
            channels=1024,
            num_convs=2,
            concat_input=False,
            num_classes=num_classes,
            norm_cfg=norm_cfg,
            align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0))
    ])
