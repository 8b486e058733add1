_base_ = './sem-fpn_shunted-t_8xb4-40k_ade20k-512x512.py'
checkpoint = f'{_base_.converted_root}/shunted_b.pth'
model = dict(
    backbone=dict(arch='b', init_cfg=dict(checkpoint=checkpoint)))
