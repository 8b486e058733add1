_base_ = './sfnet-lite_r50-v1c_8xb2-1000e_cityscapes-1024x1024.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1c')))
