# Ours: the trunk that fits one GPU, from public weights.
_base_ = [
    '../_base_/models/gscnn_r50-d8.py', '../_base_/datasets/camvid_boundaries.py',
    '../_base_/schedules/schedule_20k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'))),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(lr=0.001))  # losses are sums over a batch
