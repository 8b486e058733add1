# Random weights: on 367 images a transformer will be poor. The file beside this one starts from ImageNet.
_base_ = [
    '../_base_/models/structtoken_vit-s16.py', '../_base_/datasets/camvid_352x480.py',
    '../_base_/schedules/camvid_scratch.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, test_cfg=dict(size_divisor=16)),
    backbone=dict(img_size=_base_.crop_size),
    decode_head=dict(type='PointwiseStructTokenHead', image_size=_base_.crop_size, num_classes=11))
train_dataloader = dict(batch_size=8)
