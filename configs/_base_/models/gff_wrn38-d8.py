# GFF with the released WideResNet-38 trunk: strides 2, 8, 8; channel gates, updated one after the other.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(type='WideResNet38', out_indices=(1, 4, 6), norm_cfg=norm_cfg),
    decode_head=dict(
        type='GFFHead',
        form='released',
        in_channels=[128, 1024, 4096],
        channels=128,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)))
