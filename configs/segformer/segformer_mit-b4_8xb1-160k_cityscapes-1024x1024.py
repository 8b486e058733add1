_base_ = './segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py'
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/mit_b4_20220624-d588d980.pth'
model = dict(
    backbone=dict(embed_dims=64, num_layers=[3, 8, 27, 3], init_cfg=dict(checkpoint=checkpoint)),
    decode_head=dict(in_channels=[64, 128, 320, 512], channels=768))
