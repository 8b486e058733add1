# SETR-MLA on ViT-L/16 as released.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
head = dict(
    type='FCNHead',
    in_channels=256,
    channels=256,
    num_convs=0,
    kernel_size=1,
    concat_input=False,
    dropout_ratio=0,
    num_classes=num_classes,
    align_corners=False,
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.4))
model = dict(
    data_preprocessor=dict(test_cfg=dict(size_divisor=16)),  # logits of the padding are cropped off, not stretched
    backbone=dict(
        type='PlainViT',
        img_size=(768, 768),
        embed_dims=1024,
        num_layers=24,
        num_heads=16,
        out_indices=(5, 11, 17, 23),
        with_cls_token=False,
        norm_cfg=dict(type='LN', eps=1e-6),
        interpolate_mode='bilinear',
        init_cfg=dict(type='Pretrained', checkpoint='{{$CONVERTED_ROOT:checkpoints}}/vit_large_p16_384.pth')),
    neck=dict(
        type='MLANeck', in_channels=[1024] * 4, out_channels=256, norm_cfg=norm_cfg, act_cfg=dict(type='ReLU')),
    decode_head=dict(
        type='ReleasedSETRMLAHead',
        in_channels=[256] * 4,
        in_index=[0, 1, 2, 3],
        channels=512,
        mla_channels=128,
        dropout_ratio=0,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    auxiliary_head=[dict(head, in_index=i) for i in range(4)])
