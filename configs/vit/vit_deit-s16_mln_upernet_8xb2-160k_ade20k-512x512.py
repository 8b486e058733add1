_base_ = './vit_vit-b16_mln_upernet_8xb2-160k_ade20k-512x512.py'
model = dict(
    backbone=dict(
        embed_dims=384,
        num_heads=6,
        init_cfg=dict(checkpoint=f'{_base_.converted_root}/deit_small_patch16_224.pth')),
    neck=dict(in_channels=[384] * 4, out_channels=384),
    decode_head=dict(in_channels=[384] * 4),
    auxiliary_head=dict(in_channels=384))
