# The released recipe.
_base_ = [
    '../_base_/models/structtoken_vit-s16.py', '../_base_/datasets/ade20k.py',
    '../_base_/schedules/structtoken_160k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/vit-s16_google-i21k.pth')),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(341, 341)))
train_dataloader = dict(batch_size=2)
