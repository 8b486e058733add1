_base_ = [
    '../_base_/models/pidnet-s.py', '../_base_/datasets/cityscapes_1024x1024.py',
    '../_base_/datasets/cityscapes_class_weights.py', '../_base_/schedules/poly_120k.py',
    '../_base_/default_runtime.py'
]
checkpoint = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/pidnet/pidnet-s_imagenet1k_20230306-715e6273.pth'
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(
        loss_decode=[
            dict(_base_.model.decode_head.loss_decode[0], class_weight=_base_.class_weight),
            *_base_.model.decode_head.loss_decode[1:]
        ]))
train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='GenerateEdge', edge_width=4),  # gt_edge_map, which the head asks for
    _base_.train_pipeline[-1]
]
train_dataloader = dict(batch_size=6, dataset=dict(pipeline=train_pipeline))
