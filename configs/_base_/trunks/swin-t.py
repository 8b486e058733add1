# A trunk for any head: inherit this beside a model, and backbone=dict(_delete_=True, **_base_.trunk).
checkpoint = 'https://download.openmmlab.com/mmclassification/v0/swin-transformer/convert/swin_tiny_patch4_window7_224-160bb0a5.pth'
trunk = dict(
    type='mmpretrain.SwinTransformer',
    arch='tiny',
    out_indices=(0, 1, 2, 3),
    drop_path_rate=0.3,
    pad_small_map=True,  # else images whose coarsest map is smaller than a window are refused
    init_cfg=dict(type='Pretrained', checkpoint=checkpoint, prefix='backbone.'))
