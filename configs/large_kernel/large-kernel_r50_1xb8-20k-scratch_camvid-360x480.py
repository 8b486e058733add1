_base_ = ['../_base_/models/large-kernel_r50.py', '../_base_/camvid_scratch.py']
model = dict(data_preprocessor=dict(size=_base_.crop_size))
