_base_ = './sfnet-lite_stdc1_8xb2-1000e_cityscapes-1024x1024.py'
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/stdc/stdc2_20220308-7dbd9127.pth'
model = dict(backbone=dict(stdc_type='STDCNet2', init_cfg=dict(checkpoint=checkpoint)))
