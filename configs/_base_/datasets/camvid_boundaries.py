# CamVid with the boundaries of its classes as gt_edge_map.
_base_ = './camvid.py'
crop_size = (360, 480)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=11),
    dict(
        type='FusedResizeCrop',
        resize=dict(type='RandomResize', scale=(480, 360), ratio_range=(0.5, 2.0), keep_ratio=True),
        crop=dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortionLUT'),
    dict(type='BoundaryLabels', num_classes=11),
    dict(type='PackSegInputs')
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
