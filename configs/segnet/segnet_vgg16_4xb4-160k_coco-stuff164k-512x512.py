_base_ = [
    '../_base_/models/segnet_vgg16.py', '../_base_/datasets/coco-stuff164k.py', '../_base_/schedules/schedule_160k.py',
    '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')),
    decode_head=dict(num_classes=171))
train_dataloader = dict(batch_size=4)
