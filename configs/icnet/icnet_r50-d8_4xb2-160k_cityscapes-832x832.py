_base_ = [
    '../_base_/models/icnet_r50-d8.py', '../_base_/datasets/cityscapes_832x832.py',
    '../_base_/schedules/schedule_160k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(backbone_cfg=dict(init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'))))
