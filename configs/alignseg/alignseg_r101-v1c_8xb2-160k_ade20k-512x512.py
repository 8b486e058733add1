_base_ = './alignseg_r50-v1c_8xb2-160k_ade20k-512x512.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1c')))
