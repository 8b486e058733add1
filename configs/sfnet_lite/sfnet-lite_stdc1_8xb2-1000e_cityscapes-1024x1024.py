_base_ = './sfnet-lite_r18_8xb2-1000e_cityscapes-1024x1024.py'
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/stdc/stdc1_20220308-5368626c.pth'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ShallowSTDCNet',
        stdc_type='STDCNet1',
        norm_cfg=_base_.norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(in_channels=[64, 512, 1024]))
