_base_ = './sfnet_r18-v1c_8xb2-160k_ade20k-512x512.py'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='open-mmlab://resnet50_v1c')),
    decode_head=dict(in_channels=[256, 512, 1024, 2048], channels=256),
    auxiliary_head=dict(in_channels=256, channels=256))
