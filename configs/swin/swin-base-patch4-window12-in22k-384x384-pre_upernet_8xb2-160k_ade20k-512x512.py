_base_ = './swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py'
checkpoint = f'{_base_.converted_root}/swin_base_patch4_window12_384_22k.pth'
model = dict(
    backbone=dict(arch='base', window_size=12, init_cfg=dict(_delete_=True, type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(in_channels=[128, 256, 512, 1024]),
    auxiliary_head=dict(in_channels=512))
