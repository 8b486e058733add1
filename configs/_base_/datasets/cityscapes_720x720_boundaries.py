# The input recipe of the released Gated-SCNN: crop 720, scale 0.5 to 2, jitter 0.25, blur, and the boundaries of the
# classes as gt_edge_map; as released, the first class (road) has no border of its own.
_base_ = './cityscapes_1024x1024.py'
crop_size = (720, 720)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=19),
    dict(
        type='FusedResizeCrop',
        resize=dict(type='RandomResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
        crop=dict(type='RandomCrop', crop_size=crop_size)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.25, contrast=0.25, saturation=0.25, hue=0.25),
    dict(type='RandomGaussianBlur'),
    dict(type='BoundaryLabels', num_classes=19, radius=2, skip_first=True),
    dict(type='PackSegInputs')
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
