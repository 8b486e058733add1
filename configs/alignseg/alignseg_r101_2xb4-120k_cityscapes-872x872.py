# The released recipe: crop 872, scales 0.7..2.1, mirror, cross-entropy; tested on windows of 872 with a third overlap.
_base_ = [
    '../_base_/models/alignseg_r50.py', '../_base_/datasets/cityscapes_872x872.py',
    '../_base_/schedules/poly_120k.py', '../_base_/default_runtime.py'
]
crop_size = (872, 872)
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(depth=101),
    test_cfg=dict(mode='slide', crop_size=crop_size, stride=(582, 582)))
