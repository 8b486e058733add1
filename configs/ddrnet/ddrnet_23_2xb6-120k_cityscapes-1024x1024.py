_base_ = './ddrnet_23-slim_2xb6-120k_cityscapes-1024x1024.py'
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/ddrnet/pretrain/ddrnet23-in1kpre_3rdparty-9ca29f62.pth'
model = dict(
    backbone=dict(channels=64, init_cfg=dict(checkpoint=checkpoint)), decode_head=dict(in_channels=256, channels=128))
