# Global Convolutional Network with 7x7 separable kernels on ResNet-50, upsampled bilinearly.
_base_ = './encoder_decoder.py'
num_classes = 11
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(type='StemResNet', depth=50, norm_cfg=norm_cfg, norm_eval=False, style='pytorch'),
    decode_head=dict(
        type='LargeKernelHead',
        in_channels=[3, 64, 256, 512, 1024, 2048],
        context=dict(type='LargeKernelContext', kernel_size=7),
        num_classes=num_classes,
        align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
