_base_ = './sem-fpn_pvtv2-b0_8xb4-40k_ade20k-512x512.py'
checkpoint = 'https://github.com/whai362/PVT/releases/download/v2/pvt_v2_b2_li.pth'
model = dict(
    backbone=dict(arch='b2-li', init_cfg=dict(checkpoint=checkpoint)),
    neck=dict(in_channels=[64, 128, 320, 512]))
