# SFNet with the released ResNet-18 trunk: deep stem 64-64-128, conv2 dilated, output stride 32.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
# Keeps the 0.7 rule, but never fewer pixels than this in the whole batch of one GPU.
loss = dict(type='OHEMLoss', thres=0.7, min_kept=100000)
model = dict(
    backbone=dict(type='DeepStemResNet', depth=18, conv2_dilations=(1, 1, 2, 4), norm_cfg=norm_cfg),
    decode_head=dict(
        type='SFNetHead',
        in_channels=[64, 128, 256, 512],
        channels=128,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        loss_decode=loss),
    # Deep supervision of the fused levels at strides 4, 8 and 16, as released.
    auxiliary_head=dict(
        type='SideOutputHeads',
        in_index=[0, 1, 2],
        in_channels=128,
        channels=128,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=True,
        loss_decode=loss))
