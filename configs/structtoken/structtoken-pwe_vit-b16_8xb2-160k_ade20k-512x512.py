# Released: this head learns 9 times as fast.
_base_ = './structtoken-pwe_vit-s16_8xb2-160k_ade20k-512x512.py'
model = dict(
    backbone=dict(
        embed_dims=768,
        num_heads=12,
        init_cfg=dict(checkpoint=f'{_base_.converted_root}/vit-b16_google-i21k.pth')),
    decode_head=dict(in_channels=768, channels=768))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=9.))))
