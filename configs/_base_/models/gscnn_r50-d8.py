# Ours: Gated-SCNN on ResNet-50 at stride 8, which fits one GPU. Its shape stream starts from the stem.
_base_ = './gscnn_wrn38-d8.py'
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(
        backbone=dict(
            _delete_=True,
            type='StemResNet',
            depth=50,
            strides=(1, 2, 1, 1),
            dilations=(1, 1, 2, 4),
            norm_cfg=norm_cfg,
            norm_eval=False,
            style='pytorch',
            contract_dilation=True)),
    decode_head=dict(in_channels=[64, 256, 512, 1024, 2048, 1], in_index=[1, 2, 3, 4, 5, 6]))
