_base_ = './alignseg_r50-v1c_2xb4-120k_cityscapes-872x872.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1c')))
