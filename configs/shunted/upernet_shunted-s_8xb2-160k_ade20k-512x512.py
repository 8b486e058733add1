# Of the paper's two heads the second; no code of it was released. Swin's recipe.
_base_ = [
    '../_base_/models/upernet_swin-t.py', '../_base_/datasets/ade20k.py', '../_base_/schedules/adamw_160k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        _delete_=True,
        type='ShuntedTransformer',
        arch='s',
        norm_cfg=_base_.norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/shunted_s.pth')),
    decode_head=dict(in_channels=[64, 128, 256, 512]),
    auxiliary_head=dict(in_channels=256))
train_dataloader = dict(batch_size=2)
