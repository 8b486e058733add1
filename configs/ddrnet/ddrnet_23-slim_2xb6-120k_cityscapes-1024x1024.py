_base_ = [
    '../_base_/models/ddrnet_23-slim.py', '../_base_/datasets/cityscapes_1024x1024.py',
    '../_base_/datasets/cityscapes_class_weights.py', '../_base_/schedules/poly_120k.py',
    '../_base_/default_runtime.py'
]
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/ddrnet/pretrain/ddrnet23s-in1kpre_3rdparty-1ccac5b1.pth'
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(
        loss_decode=[dict(loss, class_weight=_base_.class_weight) for loss in _base_.model.decode_head.loss_decode]))
train_dataloader = dict(batch_size=6)
