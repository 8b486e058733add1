_base_ = './swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py'
checkpoint = f'{_base_.converted_root}/swin_large_patch4_window12_384_22k.pth'
model = dict(
    backbone=dict(arch='large', window_size=12, init_cfg=dict(_delete_=True, type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(in_channels=[192, 384, 768, 1536]),
    auxiliary_head=dict(in_channels=768))
