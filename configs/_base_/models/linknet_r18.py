# LinkNet on ResNet-18 in the authors' Lua wiring: ReLU after every sum, decoder norms with eps 1e-3.
_base_ = './encoder_decoder.py'
num_classes = 11
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(
        type='StemResNet', depth=18, norm_cfg=norm_cfg, norm_eval=False, style='pytorch', contract_dilation=True),
    decode_head=dict(
        type='LinkNetHead',
        in_channels=[3, 64, 64, 128, 256, 512],
        channels=32,
        norm_cfg=dict(type='BN', eps=1e-3, requires_grad=True),
        num_classes=num_classes,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
