# Semantic FPN on PVTv2-B0, as released.
_base_ = ['./encoder_decoder.py', '../trunks/pvtv2-b0.py']
num_classes = 150
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=_base_.trunk,
    neck=dict(type='FPN', in_channels=[32, 64, 160, 256], out_channels=256, num_outs=4),
    decode_head=dict(
        type='FPNHead',
        in_channels=[256] * 4,
        in_index=[0, 1, 2, 3],
        feature_strides=[4, 8, 16, 32],
        channels=128,
        dropout_ratio=0.1,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
