_base_ = './sfnet_r50_8xb2-300e_cityscapes-1024x1024.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint=f'{_base_.converted_root}/resnet101_sfnet.pth')))
