# A trunk for any head: inherit this beside a model, and backbone=dict(_delete_=True, **_base_.trunk).
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/mit_b0_20220624-7e0fe6dd.pth'
trunk = dict(
    type='MiT',
    embed_dims=32,
    num_layers=[2, 2, 2, 2],
    num_heads=[1, 2, 5, 8],
    patch_sizes=[7, 3, 3, 3],
    sr_ratios=[8, 4, 2, 1],
    drop_path_rate=0.1,
    init_cfg=dict(type='Pretrained', checkpoint=checkpoint))
