# Released: the head of the tiny trunk learns 9 times as fast.
_base_ = './structtoken-pwe_vit-s16_8xb2-160k_ade20k-512x512.py'
model = dict(
    backbone=dict(
        embed_dims=192,
        num_heads=3,
        init_cfg=dict(checkpoint=f'{_base_.converted_root}/vit-t16_google-i21k.pth')),
    decode_head=dict(in_channels=192, channels=192))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=9.))))
