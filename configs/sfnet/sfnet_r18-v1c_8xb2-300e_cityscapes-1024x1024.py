# The released recipe on the public trunk.
_base_ = [
    '../_base_/models/sfnet_r18-v1c.py', '../_base_/datasets/cityscapes_1024x1024_class-uniform.py',
    '../_base_/schedules/poly_300e.py', '../_base_/epoch_runtime.py'
]
model = dict(data_preprocessor=dict(size=_base_.crop_size))
