_base_ = './segmenter_vit-t_mask_8xb1-160k_ade20k-512x512.py'
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segmenter/vit_base_p16_384_20220308-96dfe169.pth'
model = dict(
    backbone=dict(
        embed_dims=768, num_heads=12, init_cfg=dict(checkpoint=checkpoint)),
    decode_head=dict(in_channels=768, channels=768, num_heads=12, embed_dims=768))
