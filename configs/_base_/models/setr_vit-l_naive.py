# SETR-naive on ViT-L/16 as released: two 1x1 convolutions, then one step up to the image.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
loss = dict(type='CrossEntropyLoss', avg_non_ignore=True)
head = dict(
    type='SETRUPHead',
    in_channels=1024,
    channels=256,
    num_convs=1,
    up_scale=1,
    kernel_size=1,
    dropout_ratio=0,
    num_classes=num_classes,
    norm_cfg=norm_cfg,
    align_corners=False)
auxiliary_loss = dict(loss, loss_weight=0.4)
model = dict(
    data_preprocessor=dict(test_cfg=dict(size_divisor=16)),  # logits of the padding are cropped off, not stretched
    backbone=dict(
        type='PlainViT',
        img_size=(768, 768),
        embed_dims=1024,
        num_layers=24,
        num_heads=16,
        out_indices=(9, 14, 19, 23),
        norm_cfg=dict(type='LN', eps=1e-6),
        interpolate_mode='bilinear',
        init_cfg=dict(type='Pretrained', checkpoint='{{$CONVERTED_ROOT:checkpoints}}/vit_large_p16_384.pth')),
    decode_head=dict(head, in_index=3, loss_decode=loss),
    auxiliary_head=[dict(head, in_index=i, loss_decode=auxiliary_loss) for i in range(3)])
