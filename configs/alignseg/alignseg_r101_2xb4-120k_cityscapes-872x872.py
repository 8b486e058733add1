# The released recipe: crop 872, scales 0.7..2.1, mirror, cross-entropy; tested on windows of 872 with a third overlap.
_base_ = [
    '../_base_/models/alignseg_r50.py', '../_base_/datasets/cityscapes_872x872.py',
    '../_base_/schedules/poly_120k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        depth=101, init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.converted_root}/resnet101_alignseg.pth')),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(582, 582)))
