# A trunk for any head: inherit this beside a model, and backbone=dict(_delete_=True, **_base_.trunk).
checkpoint = 'https://github.com/whai362/PVT/releases/download/v2/pvt_v2_b0.pth'
trunk = dict(
    type='PyramidVisionTransformerV2',
    arch='b0',
    init_cfg=dict(type='Pretrained', checkpoint=checkpoint))
