_base_ = './stdc1_1xb8-20k-scratch_camvid-360x480.py'
model = dict(backbone=dict(backbone_cfg=dict(stdc_type='STDCNet2')))
