_base_ = './alignseg_r50-v1c_1xb8-20k_camvid-360x480.py'
model = dict(
    backbone=dict(depth=18, init_cfg=dict(checkpoint='open-mmlab://resnet18_v1c')),
    decode_head=dict(in_channels=[64, 128, 256, 512], channels=128),
    auxiliary_head=dict(in_channels=128, channels=128))
