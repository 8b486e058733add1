_base_ = './alignseg_r101_2xb4-120k_cityscapes-872x872.py'
model = dict(backbone=dict(depth=50, init_cfg=dict(checkpoint=f'{_base_.converted_root}/resnet50_alignseg.pth')))
