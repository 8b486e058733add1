# DDRNet-23-slim, stock mmseg parts. Two maps in training, so no refiner; sides have to be multiples of 8.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
loss = dict(type='OhemCrossEntropy', thres=0.9, min_kept=131072)
model = dict(
    data_preprocessor=dict(test_cfg=dict(size_divisor=8)),
    backbone=dict(type='DDRNet', channels=32, ppm_channels=128, norm_cfg=norm_cfg, align_corners=False),
    decode_head=dict(
        type='DDRHead',
        in_channels=128,
        channels=64,
        dropout_ratio=0.,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=[dict(loss, loss_weight=1.0), dict(loss, loss_weight=0.4)]))
