# COCO-Stuff 10k, 171 classes, 9000 training and 1000 test images; made by tools/prepare_dataset.py coco-stuff10k, or
# by mmsegmentation's converter: label 0 is nothing.
# Elsewhere? Set the environment variable COCO_STUFF10K_ROOT, or {train,val,test}_dataloader.dataset.data_root.
dataset_type = 'COCOStuffDataset'
data_root = '{{$COCO_STUFF10K_ROOT:data/coco_stuff10k}}'
crop_size = (512, 512)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=171),
    dict(
        type='FusedResizeCrop',
        resize=dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
        crop=dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortionLUT'),
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(2048, 512), keep_ratio=True),
    # behind Resize: the truth keeps its size
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=171),
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
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path='images/train2014', seg_map_path='annotations/train2014'),
        reduce_zero_label=True,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path='images/test2014', seg_map_path='annotations/test2014'),
        reduce_zero_label=True,
        pipeline=test_pipeline))
test_dataloader = val_dataloader

# IoUMetric gives pixel accuracy (aAcc) and the means over classes of IoU and accuracy (mIoU, mAcc)
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
