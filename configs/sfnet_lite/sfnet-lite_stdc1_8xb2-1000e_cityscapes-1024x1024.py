_base_ = './sfnet-lite_r18_8xb2-1000e_cityscapes-1024x1024.py'
model = dict(
    backbone=dict(_delete_=True, type='ShallowSTDCNet', stdc_type='STDCNet1', norm_cfg=_base_.norm_cfg),
    decode_head=dict(in_channels=[64, 512, 1024]))
