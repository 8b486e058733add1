# SegNet-Basic: four 7x7 stages of 64 channels; the decoder has batch norm but no ReLU. Local response normalisation
# scales the image, so it comes in colour levels 0..255, BGR, as it is.
_base_ = './encoder_decoder.py'
num_classes = 11
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    data_preprocessor=dict(mean=[0., 0., 0.], std=[1., 1., 1.], bgr_to_rgb=False),
    backbone=dict(type='SegNetBasicEncoder', norm_cfg=norm_cfg),
    decode_head=dict(
        type='SegNetHead',
        in_channels=[64, 64, 64, 64, 64],
        stages=[[64], [64], [64], [64]],
        kernel_size=7,
        classifier_kernel=1,
        norm_cfg=norm_cfg,
        act_cfg=None,
        num_classes=num_classes,
        align_corners=False,
        init_cfg=dict(type='Kaiming', layer='Conv2d', mode='fan_in'),
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
