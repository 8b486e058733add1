_base_ = './sfnet_r50-v1c_8xb2-300e_cityscapes-1024x1024.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1c')))
