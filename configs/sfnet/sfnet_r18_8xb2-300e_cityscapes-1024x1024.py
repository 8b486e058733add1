# The released recipe: 300 epochs, crop 1024, half of the samples drawn by class, OHEM, deep supervision.
_base_ = [
    '../_base_/models/sfnet_r18.py', '../_base_/datasets/cityscapes_1024x1024_class-uniform.py',
    '../_base_/schedules/poly_300e.py', '../_base_/epoch_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/resnet18_sfnet.pth')))
