# Released network and losses on CamVid; the schedule is mmseg's, at a tenth of its rate: losses are sums over a batch.
_base_ = [
    '../_base_/models/gscnn_wrn38-d8.py', '../_base_/datasets/camvid_boundaries.py',
    '../_base_/schedules/schedule_20k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        backbone=dict(
            with_cp=True,
            init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/wide-resnet38_imagenet.pth'))),
    decode_head=dict(num_classes=11),
    auxiliary_head=dict(num_classes=11))
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(lr=0.001))
