# ENet in the authors' topology. Norms have eps 1e-3; images in [0, 1] as in the Lua loader.
_base_ = './encoder_decoder.py'
num_classes = 11
norm_cfg = dict(type='BN', eps=1e-3, requires_grad=True)
model = dict(
    data_preprocessor=dict(mean=[0., 0., 0.], std=[255., 255., 255.]),
    backbone=dict(type='ENetEncoder', norm_cfg=norm_cfg),
    decode_head=dict(
        type='ENetHead',
        in_channels=[3, 16, 64, 128],
        norm_cfg=norm_cfg,
        num_classes=num_classes,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
