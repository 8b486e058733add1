# Segmenter with the mask decoder on ViT-Ti/16 as released: norms with torch's eps, images scaled to -1..1.
_base_ = './encoder_decoder.py'
num_classes = 150
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segmenter/vit_tiny_p16_384_20220308-cce8c795.pth'
model = dict(
    data_preprocessor=dict(
        mean=[127.5] * 3,
        std=[127.5] * 3,
        test_cfg=dict(size_divisor=16)),  # logits of the padding are cropped off, not stretched
    backbone=dict(
        type='PlainViT',
        img_size=(512, 512),
        embed_dims=192,
        num_layers=12,
        num_heads=3,
        drop_path_rate=0.1,
        final_norm=True,
        norm_cfg=dict(type='LN'),
        interpolate_mode='bilinear',
        init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(
        type='SegmenterMaskTransformerHead',
        in_channels=192,
        channels=192,
        in_index=0,
        num_layers=2,
        num_heads=3,
        embed_dims=192,
        drop_rate=0.1,
        attn_drop_rate=0.1,
        drop_path_rate=0.,
        dropout_ratio=0.,
        num_classes=num_classes,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)))
