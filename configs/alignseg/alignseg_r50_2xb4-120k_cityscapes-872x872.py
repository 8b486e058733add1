_base_ = './alignseg_r101_2xb4-120k_cityscapes-872x872.py'
model = dict(backbone=dict(depth=50))
