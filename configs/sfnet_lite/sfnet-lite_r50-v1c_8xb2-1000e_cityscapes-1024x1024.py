_base_ = './sfnet-lite_r18-v1c_8xb2-1000e_cityscapes-1024x1024.py'
model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='open-mmlab://resnet50_v1c')),
    decode_head=dict(in_channels=[256, 1024, 2048], channels=256))
