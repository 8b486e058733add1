_base_ = './sfnet-lite_r50-v1c_1xb8-20k_camvid-360x480.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1c')))
