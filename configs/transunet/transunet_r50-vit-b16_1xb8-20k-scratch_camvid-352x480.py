# Random weights: on 367 images a transformer will be poor. backbone.init_cfg of the file beside this one is its remedy.
_base_ = [
    '../_base_/models/transunet_r50-vit-b16.py', '../_base_/datasets/camvid_352x480.py',
    '../_base_/schedules/camvid_scratch.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(img_size=_base_.crop_size),
    decode_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8)
