# The input recipe of AlignSeg (speedinghzl/AlignSeg, run_local.sh): one of fifteen scales, crop, mirror; no distortion.
# What a small scale lacks of the crop is padded behind the normalisation, below and to the right, by data_preprocessor.
_base_ = './cityscapes_1024x1024.py'
crop_size = (872, 872)
# 0.7, 0.8, ..., 2.1 times the size, as (width, height)
scales = [(1434, 717), (1638, 819), (1843, 922), (2048, 1024), (2253, 1126), (2458, 1229), (2662, 1331), (2867, 1434),
          (3072, 1536), (3277, 1638), (3482, 1741), (3686, 1843), (3891, 1946), (4096, 2048), (4301, 2150)]
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=19),
    dict(
        type='FusedResizeCrop',
        resize=dict(type='RandomChoiceResize', scales=scales, keep_ratio=True),
        crop=dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=1.0)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
