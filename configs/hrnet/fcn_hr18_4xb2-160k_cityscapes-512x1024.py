_base_ = [
    '../_base_/models/fcn_hr18.py', '../_base_/datasets/cityscapes_512x1024.py',
    '../_base_/schedules/schedule_160k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://msra/hrnetv2_w18')))
