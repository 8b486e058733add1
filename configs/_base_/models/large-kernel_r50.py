# Global Convolutional Network with 7x7 separable kernels on ResNet-50, upsampled bilinearly.
num_classes = 11
norm_cfg = dict(type='BN', requires_grad=True)
data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(type='StemResNet', depth=50, norm_cfg=norm_cfg, norm_eval=False, style='pytorch'),
    decode_head=dict(
        type='LargeKernelHead',
        in_channels=[3, 64, 256, 512, 1024, 2048],
        context=dict(type='LargeKernelContext', kernel_size=7),
        num_classes=num_classes,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
