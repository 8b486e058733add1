# The input recipe of the released WideResNet-38 networks (lxtGH/DecoupleSegNets, scripts/train/*W38*.sh): crop 896.
_base_ = './cityscapes_1024x1024_class-uniform.py'
crop_size = (896, 896)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=19),
    dict(
        type='FusedResizeCrop',
        resize=dict(
            type='RandomResize',
            scale=(2048, 1024),
            ratio_range=(0.5, 2.0),
            keep_ratio=True,
            interpolation='bicubic',
            backend='pillow'),
        crop=dict(type='CentroidCrop', crop_size=crop_size)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.25, contrast=0.25, saturation=0.25, hue=0.25),
    dict(type='RandomGaussianBlur'),
    dict(type='PackSegInputs')
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
