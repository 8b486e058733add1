# Ours.
_base_ = [
    '../_base_/models/upernet_vit-b16.py', '../_base_/datasets/camvid_352x480.py', '../_base_/schedules/adamw_20k.py',
    '../_base_/default_runtime.py'
]
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segmenter/vit_tiny_p16_384_20220308-cce8c795.pth'
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(img_size=_base_.crop_size, embed_dims=192, num_heads=3, init_cfg=dict(checkpoint=checkpoint)),
    neck=dict(in_channels=[192] * 4, out_channels=192),
    decode_head=dict(in_channels=[192] * 4, channels=128, num_classes=11),
    auxiliary_head=dict(in_channels=192, num_classes=11))
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'pos_embed': dict(decay_mult=0.),
            'cls_token': dict(decay_mult=0.),
            'ln1': dict(decay_mult=0.),  # mmseg's ViT calls its norms so
            'ln2': dict(decay_mult=0.)
        }))
train_dataloader = dict(batch_size=8)
