# PIDNet-S, stock mmseg parts. Three maps in training, so no refiner; sides have to be multiples of 8.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
loss = dict(type='OhemCrossEntropy', thres=0.9, min_kept=131072, loss_weight=1.0)
model = dict(
    data_preprocessor=dict(test_cfg=dict(size_divisor=8)),
    backbone=dict(
        type='PIDNet',
        channels=32,
        ppm_channels=96,
        num_stem_blocks=2,
        num_branch_blocks=3,
        norm_cfg=norm_cfg,
        align_corners=False),
    decode_head=dict(
        type='PIDHead',
        in_channels=128,
        channels=128,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=[
            dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.4), loss,
            dict(type='BoundaryLoss', loss_weight=20.0), loss
        ]))
