# Ours: the recipe of the other transformers here.
_base_ = [
    '../_base_/models/segmenter_vit-t_mask.py', '../_base_/datasets/camvid_352x480.py',
    '../_base_/schedules/adamw_20k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(img_size=_base_.crop_size),
    decode_head=dict(num_classes=11))
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'pos_embed': dict(decay_mult=0.),
            'cls_token': dict(decay_mult=0.),
            'ln1': dict(decay_mult=0.),  # mmseg's ViT calls its norms so
            'ln2': dict(decay_mult=0.)
        }))
train_dataloader = dict(batch_size=8)
