# The paper's recipe for SUN RGB-D: SGD at a fixed rate of 1e-3, momentum 0.9, batch 4, ImageNet weights (encoder),
# more than 100 epochs (100 are 132125 iterations), dropout 0.5 behind the deeper stages. Ours where it is silent: size
# 360x480 as for CamVid, weight decay, and which stages have dropout (Bayesian SegNet's; off in testing).
# Median-frequency weights are counted when the data are prepared:
# model.decode_head.loss_decode.class_weight=data/sunrgbd/labels_median_frequency.json adds them.
_base_ = './segnet_vgg16_1xb8-80k_sunrgbd-480x480.py'
crop_size = (360, 480)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=37),
    dict(type='Resize', scale=(480, 360), keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(480, 360), keep_ratio=False),
    # behind Resize: the truth keeps its size
    dict(type='LoadAnnotations'),
    dict(type='CheckLabels', num_classes=37),
    dict(type='PackSegInputs')
]
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(pool_dropout=(0, 0, 0.5, 0.5, 0.5)),
    decode_head=dict(unpool_dropout=(0, 0.5, 0.5, 0.5, 0)))
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='ConstantLR', factor=1., begin=0, end=133000, by_epoch=False)]
train_cfg = dict(max_iters=133000, val_interval=7000)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
