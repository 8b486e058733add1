# A trunk of one scale: four of its layers, brought to four scales by mmseg's neck.
_base_ = [
    '../_base_/models/sfnet_r18.py', '../_base_/datasets/camvid_352x480.py', '../_base_/schedules/adamw_20k.py',
    '../_base_/default_runtime.py'
]
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segmenter/vit_tiny_p16_384_20220308-cce8c795.pth'
model = dict(
    type='FittedEncoderDecoder',
    data_preprocessor=dict(size=_base_.crop_size, test_cfg=dict(size_divisor=16)),
    backbone=dict(
        _delete_=True,
        type='PlainViT',
        img_size=_base_.crop_size,
        embed_dims=192,
        num_layers=12,
        num_heads=3,
        out_indices=(2, 5, 8, 11),
        drop_path_rate=0.1,
        norm_cfg=dict(type='LN', eps=1e-6),
        init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    neck=dict(type='MultiLevelNeck', in_channels=[192] * 4, out_channels=192, scales=[4, 2, 1, 0.5]),
    decode_head=dict(in_channels=None, num_classes=11),
    auxiliary_head=dict(num_classes=11))
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'pos_embed': dict(decay_mult=0.),
            'cls_token': dict(decay_mult=0.),
            'ln1': dict(decay_mult=0.),  # mmseg's ViT calls its norms so
            'ln2': dict(decay_mult=0.)
        }))
train_dataloader = dict(batch_size=8)
