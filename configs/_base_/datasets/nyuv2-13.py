# NYU Depth V2, RGB only, 13 classes, 795 training and 654 test images; made by tools/prepare_dataset.py nyuv2.
# Elsewhere? Set the environment variable NYUV2_ROOT, or {train,val,test}_dataloader.dataset.data_root.
dataset_type = 'NYUv2Dataset13'
data_root = '{{$NYUV2_ROOT:data/nyuv2}}'
crop_size = (480, 480)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=13),
    dict(
        type='FusedResizeCrop',
        resize=dict(type='RandomResize', scale=(640, 480), ratio_range=(0.5, 2.0), keep_ratio=True),
        crop=dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortionLUT'),
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=13),
    dict(type='PackSegInputs')
]
img_ratios = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[[dict(type='Resize', scale_factor=ratio, keep_ratio=True) for ratio in img_ratios],
                    [
                        dict(type='RandomFlip', prob=0., direction='horizontal'),
                        dict(type='RandomFlip', prob=1., direction='horizontal')
                    ], [dict(type='LoadAnnotations')], [dict(type='PackSegInputs')]])
]
train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path='images/train', seg_map_path='labels13/train'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path='images/test', seg_map_path='labels13/test'),
        pipeline=test_pipeline))
test_dataloader = val_dataloader

# IoUMetric gives pixel accuracy (aAcc) and the means over classes of IoU and accuracy (mIoU, mAcc)
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
