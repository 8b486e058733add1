_base_ = ['../_base_/models/pidnet-s.py', '../_base_/camvid_scratch.py']
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(num_classes=11))
train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='GenerateEdge', edge_width=4),  # gt_edge_map, which the head asks for
    _base_.train_pipeline[-1]
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
