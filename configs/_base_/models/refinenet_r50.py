# RefineNet on ResNet-50: no norm in the decoder, logits at 1/4.
_base_ = './encoder_decoder.py'
num_classes = 11
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(type='ResNet', depth=50, norm_cfg=norm_cfg, norm_eval=False, style='pytorch'),
    decode_head=dict(
        type='RefineNetHead',
        in_channels=[256, 512, 1024, 2048],
        channels=256,
        num_classes=num_classes,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
