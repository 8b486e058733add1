# SFNet-Lite with the released ResNet-18 trunk; no deep supervision, as released.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(type='DeepStemResNet', depth=18, conv2_dilations=(1, 1, 2, 4), norm_cfg=norm_cfg),
    decode_head=dict(
        type='SFNetLiteHead',
        in_channels=[64, 256, 512],
        channels=128,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        loss_decode=dict(type='OHEMLoss', thres=0.7, min_kept=100000)))
