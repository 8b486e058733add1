# The released recipe on the public trunk.
_base_ = [
    '../_base_/models/alignseg_r50-v1c.py', '../_base_/datasets/cityscapes_872x872.py',
    '../_base_/schedules/poly_120k.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(582, 582)))
