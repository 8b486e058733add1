_base_ = [
    '../_base_/models/upernet_vit-b16.py', '../_base_/datasets/ade20k.py', '../_base_/schedules/adamw_160k.py',
    '../_base_/default_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size))
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'pos_embed': dict(decay_mult=0.),
            'cls_token': dict(decay_mult=0.),
            'ln1': dict(decay_mult=0.),  # mmseg's ViT calls its norms so
            'ln2': dict(decay_mult=0.)
        }))
train_dataloader = dict(batch_size=2)
