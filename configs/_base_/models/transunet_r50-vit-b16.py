# TransUNet, R50-ViT-B/16. Colours in -1..1, as Google's pretrained files have seen them. Sides are padded to multiples
# of 16 in testing, and the logits cropped; train on crops that 16 divides.
_base_ = './encoder_decoder.py'
num_classes = 19
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3, test_cfg=dict(size_divisor=16)),
    backbone=dict(type='HybridVisionTransformer', img_size=224, with_image=True),
    decode_head=dict(
        type='TransUNetHead',
        in_channels=[3, 64, 256, 512, 768],
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        loss_decode=[
            dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.5),
            dict(type='ClasswiseDiceLoss', loss_weight=0.5)
        ]))
