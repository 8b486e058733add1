# StructToken, cross-slice extraction, on ViT-S/16. Colours in -1..1, as the pretrained files have seen them.
_base_ = './encoder_decoder.py'
num_classes = 150
model = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(
        type='PlainViT',
        img_size=(512, 512),
        embed_dims=384,
        num_layers=12,
        num_heads=6,
        drop_path_rate=0.1,
        norm_cfg=dict(type='LN', eps=1e-6)),
    decode_head=dict(
        type='CrossSliceStructTokenHead',
        in_channels=384,
        channels=384,
        image_size=(512, 512),
        num_classes=num_classes,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=1.0)))
