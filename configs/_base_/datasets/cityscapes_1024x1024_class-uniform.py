# The input recipe of SFNet and SFNet-Lite (lxtGH/SFSegNets, scripts/cityscacpes/train_cityscapes_sfnet_res18.sh):
# half of the crops centred on a class drawn uniformly, bicubic scaling by Pillow, jitter 0.25, blur.
_base_ = './cityscapes_1024x1024.py'
crop_size = (1024, 1024)
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
train_dataloader = dict(
    # an epoch ends; infinite=True with an IterBasedTrainLoop
    sampler=dict(_delete_=True, type='ClassUniformSampler', pct=0.5, infinite=False),
    dataset=dict(
        _delete_=True,
        type='ClassUniformDataset',
        tile=1024,
        dataset=dict(
            type='CityscapesDataset',
            data_root={{_base_.data_root}},
            data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
            pipeline=train_pipeline)))
